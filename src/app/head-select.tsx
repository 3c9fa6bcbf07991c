/** Which head every view shows scores under: the model's own, or a variant of it. Not there while there is no choice. */
import { useEffect } from 'react';
import { useModel } from '@/queries/model-queries.ts';
import { activateVariant, loadHeadVariants, useHeadVariants, variantsOf } from '@/state/head-variants.ts';
import classes from './head-select.module.css';

export function HeadSelect() {
  useEffect(() => void loadHeadVariants(), []);
  const model = useModel();
  const state = useHeadVariants();
  const modelId = model.status === 'ready' ? model.model.manifest.id : '';
  const variants = variantsOf(state, modelId);
  if (variants.length === 0) return null;
  const active = state.activeIds[modelId];
  return (
    <select
      className={classes.select}
      aria-label="Head in use"
      title="Which head every view shows scores under"
      value={active ?? ''}
      data-variant={active !== undefined}
      onChange={(event) => activateVariant(modelId, event.currentTarget.value || undefined)}
    >
      <option value="">Model’s own head</option>
      {variants.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
