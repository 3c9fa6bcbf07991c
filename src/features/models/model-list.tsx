/** The models at hand: the embedded one and those opened before; which of them is in use. */
import { Button } from '@mantine/core';
import { CrossIcon } from '@/components/icons.tsx';
import { formatBytes } from '@/components/number-format.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { canOpen, chooseModel, useModelChoice, type ModelChoice } from '@/state/model-choice.ts';
import { forgetModel, useRecentModels } from '@/state/recent-models.ts';
import classes from './models-view.module.css';

interface Entry {
  readonly choice: ModelChoice;
  readonly name: string;
  readonly where: string;
  readonly bytes: number | undefined;
}

function sameChoice(a: ModelChoice, b: ModelChoice): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function whereWords(choice: Exclude<ModelChoice, { readonly kind: 'embedded' }>): string {
  if (choice.kind === 'url') return choice.url;
  return choice.kind === 'kept' ? 'kept on this machine' : `folder ${choice.name}`;
}

export function ModelList({ model }: { readonly model: ModelState }) {
  const current = useModelChoice((state) => state.choice);
  const recent = useRecentModels((state) => state.models);
  const entries: Entry[] = [
    { choice: { kind: 'embedded' }, name: 'Embedded model', where: 'ships with this page', bytes: undefined },
    ...recent.map(({ choice, name, bytes }): Entry => ({
      choice,
      name,
      where: whereWords(choice),
      bytes,
    })),
  ];
  // One that is being opened for the first time has no entry yet.
  if (!entries.some((entry) => sameChoice(entry.choice, current)) && current.kind !== 'embedded') {
    const opened = model.status === 'ready' && current.kind === 'kept';
    entries.push({
      choice: current,
      name: opened ? model.model.manifest.name : model.status === 'loading' ? 'Being opened' : 'Not opened',
      where: whereWords(current),
      bytes: undefined,
    });
  }
  const state = {
    loading: 'loading',
    failed: 'could not be loaded',
    cancelled: 'not loaded',
    ready: 'in use',
  }[model.status];
  return (
    <ul className={classes.models} aria-label="Models">
      {entries.map(({ choice, name, where, bytes }) => {
        const inUse = sameChoice(choice, current);
        const gone = !canOpen(choice);
        return (
          <li key={JSON.stringify(choice)} aria-current={inUse ? 'true' : undefined}>
            <div>
              <p className={classes.modelName}>{name}</p>
              <p className="muted small">
                {where}
                {bytes === undefined ? '' : `, ${formatBytes(bytes)}`}
              </p>
            </div>
            <div className={classes.row}>
              {inUse ? <span className={classes.state}>{state}</span> : null}
              {inUse && (model.status === 'ready' || model.status === 'loading') ? null : (
                <Button
                  size="compact-sm"
                  variant="default"
                  disabled={gone}
                  aria-label={`Open ${name}${choice.kind === 'embedded' ? '' : ` (${where})`}`}
                  onClick={() => chooseModel(choice)}
                >
                  Open
                </Button>
              )}
              {choice.kind === 'embedded' || inUse ? null : (
                <button
                  type="button"
                  className={classes.forget}
                  aria-label={`Forget ${name} (${where})`}
                  title="Forget: takes it off this list, nothing else"
                  onClick={() => forgetModel(choice)}
                >
                  <CrossIcon />
                </button>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
