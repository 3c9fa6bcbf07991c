/** What stands between the person and a score: a model that loads, failed, or was cancelled; and where it runs, if not on a GPU. */
import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { LoadProgressView } from '@/components/load-progress-view.tsx';
import { Notice } from '@/components/notice.tsx';
import { fallbackSentence, providerLabel } from '@/components/provider-words.ts';
import { cancelModelLoad, type ModelState } from '@/queries/model-queries.ts';
import { useActivity } from '@/state/activity.ts';
import { loadFigures } from '@/state/load-progress.ts';
import { choiceName, reloadModel, useModelChoice } from '@/state/model-choice.ts';
import classes from './inspect-view.module.css';

export function ModelBanner({ model }: { readonly model: ModelState }) {
  const client = useQueryClient();
  const choice = useModelChoice((state) => state.choice);
  const load = useActivity((state) => state.load);
  const name = choiceName(choice);
  if (model.status === 'ready') {
    if (fallbackSentence(model.model) === undefined) return undefined;
    return (
      <p className="muted small">
        Running on {providerLabel(model.model.provider)}: proven, but slower than a graphics processor.{' '}
        <a href="#/models">Why?</a>
      </p>
    );
  }
  if (model.status === 'failed') return <ErrorNotice error={model.error} onReload={reloadModel} />;
  if (model.status === 'cancelled') {
    return (
      <Notice tone="plain" title="No model is loaded">
        <p className="muted">
          {model.unloaded ? `${name} was unloaded.` : `Loading ${name} was cancelled.`} Texts can be written; scores
          need the model.
        </p>
        <div>
          <Button size="compact-sm" onClick={reloadModel}>
            Load the model
          </Button>
        </div>
      </Notice>
    );
  }
  return (
    <div className={`card ${classes.banner}`}>
      <LoadProgressView name={name} progress={loadFigures(load)} onCancel={() => cancelModelLoad(client)} />
    </div>
  );
}
