/** Evaluate: a dataset scored and judged as a whole, or a file of scores explored without a model. */
import { useEffect, useMemo } from 'react';
import { Notice } from '@/components/notice.tsx';
import { useEngine } from '@/queries/engine-context.ts';
import { useEvaluatedSet } from '@/queries/evaluated-set.ts';
import { findInterruptedRun } from '@/queries/evaluation-run.ts';
import { useModel } from '@/queries/model-queries.ts';
import { trackWork } from '@/state/pending-work.ts';
import { DatasetPanel } from './dataset-panel.tsx';
import { Results } from './results.tsx';
import { RunPanel } from './run-panel.tsx';
import { SourceBar } from './source-bar.tsx';
import classes from './evaluate-view.module.css';

export function EvaluateView() {
  const engine = useEngine();
  const model = useModel();
  const loaded = model.status === 'ready' ? model.model : undefined;
  const owner = useMemo(
    () => (loaded === undefined ? undefined : { manifest: loaded.manifest, transform: loaded.transform }),
    [loaded],
  );
  const evaluated = useEvaluatedSet(owner);
  useEffect(() => void trackWork(findInterruptedRun()), []);
  return (
    <div className={classes.view}>
      <h1 className="visually-hidden">Evaluate</h1>
      <SourceBar owner={owner} />
      <DatasetPanel />
      <RunPanel engine={engine} model={loaded} />
      {evaluated === undefined ? (
        <Notice tone="plain" title="How right is the model, and on what?">
          <p>
            Open a dataset of pairs or of several responses a prompt: RewardBench, RM-Bench, HH-RLHF, UltraFeedback,
            HelpSteer, OpenAI messages and plain columns are recognised, in JSONL, JSON, CSV or Parquet; for anything
            else you say which column holds what. A file of scores needs no model. Or drop it anywhere on this page:
            nothing leaves this machine.
          </p>
        </Notice>
      ) : (
        <Results evaluated={evaluated} />
      )}
    </div>
  );
}
