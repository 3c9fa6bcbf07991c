/** What a run gave: is the gate worth having, how it compares on the same pairs, and what can be done with it. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { saveFile } from '@/components/chart-picture.ts';
import { Notice } from '@/components/notice.tsx';
import { formatPercent, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import type { NamedObjective } from '@/components/objective-language.ts';
import type { TrainingEvaluation } from '@/jobs/api/training.ts';
import { compareRun, gateShape, headBlob, mostBytesUnasked, showInEveryView } from '@/queries/trained-heads.ts';
import { useHeadVariants } from '@/state/head-variants.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { TrainingRunRecord } from '@/state/training-run.ts';
import { GateBars } from './gate-bars.tsx';
import { nameObjectives } from './objective-names.ts';
import { PackageExport } from './package-export.tsx';
import { comparisonSentence, gateShapeWords, standardError } from './run-words.ts';
import { filesForRun, useComparison, type TrainSubject } from './use-training.ts';
import classes from './train-view.module.css';

interface Props {
  readonly subject: TrainSubject;
  readonly run: TrainingRunRecord;
  readonly names: readonly NamedObjective[];
}

/** While it trains: where the gate leans now, and whether it is well. */
export function GatePanel({ run, names, subject }: Props) {
  const { evaluation, warnings, comparison } = run;
  const baseline =
    comparison === undefined
      ? undefined
      : comparison.original?.meanGate.length === run.objectives
        ? { name: `the gate of ${subject.model?.name ?? 'the model'}`, evaluation: comparison.original }
        : { name: 'an even gate', evaluation: comparison.even };
  if (evaluation === undefined && warnings.length === 0) return null;
  return (
    <section className={`card ${classes.panel}`} aria-label="Gate of the run">
      {[...warnings, ...(evaluation?.health.warnings ?? [])].map(({ code, message }) => (
        <Notice key={`${code} ${message}`} tone="warn" title={warningTitles[code] ?? 'Worth knowing'}>
          <p>{nameObjectives(message, names)}</p>
        </Notice>
      ))}
      {evaluation === undefined ? null : <GateBars evaluation={evaluation} baseline={baseline} names={names} />}
    </section>
  );
}

const warningTitles: Readonly<Record<string, string>> = {
  collapsed: 'The gate has collapsed',
  constant: 'The gate is constant',
  'dead-mass': 'Weight on what cannot count',
  'not-finite': 'The run diverged',
};

export function ResultPanel({ subject, run }: Props) {
  const failure = useComparison(subject.jobs, run);
  const [problem, setProblem] = useState<string>();
  const { comparison, result } = run;
  if (result === undefined) return null;
  const modelName = subject.model?.name ?? 'the model';
  return (
    <section className={`card ${classes.panel}`} aria-label="Result">
      <h2>Result of {run.name}</h2>
      {comparison === undefined ? (
        <p className="small">
          {failure ??
            (run.data.bytes <= mostBytesUnasked
              ? 'Comparing with an even gate and the model’s own …'
              : 'The features are large, so the comparison is made when it is asked for.')}
        </p>
      ) : (
        <>
          <p>{comparisonSentence(comparison, modelName)}</p>
          <ComparisonTable
            rows={[
              ['This gate', comparison.trained],
              ['An even gate', comparison.even],
              ...(comparison.original === undefined ? [] : [[`${modelName}’s own head`, comparison.original] as const]),
            ]}
          />
          {comparison.original !== undefined && run.data.sample ? (
            <p className="muted small">
              The embedded model’s own gate was trained on the sample’s pairs and many more, so its figure flatters it
              here.
            </p>
          ) : null}
        </>
      )}
      {comparison === undefined && (failure !== undefined || run.data.bytes > mostBytesUnasked) ? (
        <div>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              void filesForRun(run).then(async (files) => {
                if (files === undefined) return setProblem(`Drop ${run.data.names.join(', ')} again, then compare.`);
                setProblem(undefined);
                return await compareRun(subject.jobs, run.runId, files).catch((cause: unknown) =>
                  setProblem(cause instanceof Error ? cause.message : String(cause)),
                );
              });
            }}
          >
            Compare with the original
          </Button>
        </div>
      ) : null}
      <Uses subject={subject} run={run} />
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem}
        </p>
      )}
      <Loaders runId={run.runId} />
    </section>
  );
}

function ComparisonTable({ rows }: { readonly rows: readonly (readonly [string, TrainingEvaluation])[] }) {
  return (
    // A narrow window scrolls the table by itself, also with the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.tableScroll} tabIndex={0} role="group" aria-label="Comparison: table">
      <table className={`${classes.table} numeric`} aria-label="Comparison">
        <thead>
          <tr>
            <th scope="col">Head</th>
            <th scope="col">Accuracy</th>
            <th scope="col" title="One standard error of the accuracy: what chance alone moves it by">
              ±
            </th>
            <th scope="col">Loss</th>
            <th scope="col">β</th>
            <th scope="col">Gate entropy</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, { accuracy, pairs, loss, beta, gateEntropy }]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td title={fullPrecision(accuracy)}>{formatPercent(accuracy)}</td>
              <td>{formatPercent(standardError(accuracy, pairs))}</td>
              <td title={fullPrecision(loss)}>{formatSignificant(loss)}</td>
              <td title={fullPrecision(beta)}>{formatSignificant(beta)}</td>
              <td title={fullPrecision(gateEntropy)}>{formatSignificant(gateEntropy, 3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Uses({
  subject: { model, loaded },
  run,
}: {
  readonly subject: TrainSubject;
  readonly run: TrainingRunRecord;
}) {
  const used = useHeadVariants(({ activeIds, variants }) => {
    const id = model === undefined ? undefined : activeIds[model.id];
    return variants.find((variant) => variant.id === id)?.name;
  });
  const { result, runId, name, objectives, featureSize } = run;
  if (result === undefined) return null;
  const fits = model !== undefined && model.head.objectives === objectives && model.head.featureSize === featureSize;
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const save = (names: 'armorm' | 'script', fileName: string) => {
    const blob = headBlob(runId, result.beta, names, fileName);
    if (blob !== undefined) saveFile(fileName, blob);
  };
  return (
    <>
      <div className={classes.row}>
        <Button
          size="compact-sm"
          disabled={!fits}
          onClick={() => {
            if (model !== undefined) void trackWork(showInEveryView(run, model.id));
          }}
        >
          Use in every view
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => save('armorm', `heads-${slug}.safetensors`)}>
          Export heads
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => save('script', `gating-network-${slug}.safetensors`)}
        >
          Export state dict
        </Button>
      </div>
      <PackageExport model={loaded} run={run} fits={fits} />
      <p className="muted small" role="status">
        {fits
          ? used === undefined
            ? 'Every view shows the model’s own head.'
            : `Every view shows “${used}”. The model’s own head is one choice away, in the page’s header.`
          : `Other views cannot show this head: it is for ${objectives} objectives of ${featureSize} features, and ${model === undefined ? 'no model is loaded' : `${model.name} has ${model.head.objectives} of ${model.head.featureSize}`}.`}
      </p>
    </>
  );
}

const loader = `from safetensors.torch import load_file
model.load_state_dict(load_file("heads.safetensors"), strict=False)  # ArmoRM in Transformers`;
const scriptLoader = `from safetensors.torch import load_file
gating_network.load_state_dict(load_file("gating-network.safetensors"))  # stage-2_train.py's GatingNetwork`;

function Loaders({ runId }: { readonly runId: string }) {
  const shape = gateShape(runId);
  return (
    <details>
      <summary className="small">How the files are loaded in Python</summary>
      <p className="small">
        Heads hold <code>regression_layer.weight</code>, <code>reward_transform_matrix</code>,{' '}
        <code>gating.layers.*</code> and <code>gating.logit_scale</code> in f32, as ArmoRM’s checkpoint names them; the
        temperature and β are in the file’s metadata.
      </p>
      {shape === undefined ? null : <p className="small">{gateShapeWords(shape)}</p>}
      <pre className={classes.code}>{loader}</pre>
      <p className="small">The state dict holds the gate alone, under the names of the authors’ class:</p>
      <pre className={classes.code}>{scriptLoader}</pre>
    </details>
  );
}
