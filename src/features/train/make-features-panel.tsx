/** Features made here: a dataset's responses go through the loaded model once, and what it saw of them becomes a file to train on. */
import { Button, NativeSelect } from '@mantine/core';
import { useEffect, useState } from 'react';
import { saveFile } from '@/components/chart-picture.ts';
import { DatasetCard } from '@/components/dataset-card.tsx';
import { FileButton } from '@/components/file-button.tsx';
import { formatBytes, formatCount, formatQuantity } from '@/components/number-format.ts';
import { InterruptedQueue, OpeningProblem, StagedQueue, UnfinishedQueue } from '@/components/queue-notices.tsx';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import type { FeaturePlan } from '@/jobs/evaluation/feature-plan.ts';
import { useDatasetCard } from '@/queries/dataset-card.ts';
import { useEngine } from '@/queries/engine-context.ts';
import {
  cancelEvaluation,
  findInterruptedRun,
  forgetInterrupted,
  pauseEvaluation,
  resumeEvaluation,
  resumeInterrupted,
  startEvaluation,
} from '@/queries/evaluation-run.ts';
import { featureChoices, featurePlan, type FeatureChoices } from '@/queries/feature-choices.ts';
import { useModel } from '@/queries/model-queries.ts';
import { openTextsFile } from '@/queries/open-dataset.ts';
import {
  isRunning,
  openingEnded,
  useEvaluation,
  type InterruptedRun,
  type MadeFeatureFile,
  type OpenDataset,
} from '@/state/evaluation-store.ts';
import {
  listMadeFeatures,
  madeFeatureBlob,
  removeMadeFeatures,
  trainOnMadeFeatures,
  useMadeFeatures,
} from '@/state/made-features.ts';
import { trackWork } from '@/state/pending-work.ts';
import classes from './train-view.module.css';

/** Endings of datasets; a file is known by its bytes, these only sort drops. */
const datasetEndings = '.jsonl,.ndjson,.json,.csv,.tsv,.parquet';

export function isDatasetName(name: string): boolean {
  return datasetEndings.split(',').some((ending) => name.toLowerCase().endsWith(ending));
}

export function MakeFeaturesPanel() {
  const { dataset, opening, problem, run, interrupted, purpose } = useEvaluation();
  const state = useModel();
  const model = state.status === 'ready' ? state.model : undefined;
  useEffect(() => void trackWork(findInterruptedRun()), []);
  useEffect(() => void listMadeFeatures(), []);
  const running = isRunning(run);
  return (
    <section className={`card ${classes.panel}`} aria-label="Make features">
      <h2>Make features from a dataset</h2>
      {dataset === undefined ? (
        <p className="small">
          Any dataset that Evaluate reads (JSONL, JSON, CSV, Parquet): {model?.manifest.name ?? 'the loaded model'}{' '}
          reads every response once, on this machine, and what it saw becomes a feature file. Pairs become stage 2,
          rated responses stage 1.
        </p>
      ) : null}
      <div className={classes.row}>
        <FileButton
          label="Dataset to make features from"
          accept={`${datasetEndings},.txt`}
          variant="default"
          disabled={running || opening !== undefined}
          onFiles={([file]) => void openTextsFile(file.name, file)}
        >
          Choose a dataset…
        </FileButton>
        {opening === undefined ? null : <span className="muted small" role="status">{`Reading ${opening}…`}</span>}
      </div>
      <OpeningProblem problem={problem} onDismiss={openingEnded} />
      {interrupted?.purpose === 'features' && !running ? <Interrupted interrupted={interrupted} model={model} /> : null}
      {dataset === undefined ? null : <Opened key={dataset.id} dataset={dataset} model={model} />}
      {purpose === 'features' ? <RunState /> : null}
      <MadeFiles />
    </section>
  );
}

/** The open dataset, what to make of it, and the button that does. */
function Opened({ dataset, model }: { readonly dataset: OpenDataset; readonly model: LoadedModel | undefined }) {
  const engine = useEngine();
  const { run, purpose } = useEvaluation();
  const card = useDatasetCard(dataset);
  const [kind, setKind] = useState<FeaturePlan['kind']>();
  const [chosen, setChosen] = useState<Readonly<Record<number, string>>>({});
  const running = isRunning(run);
  const objectives = model?.manifest.objectives ?? [];
  const choices = featureChoices(dataset, objectives);
  const wanted = choices === undefined ? undefined : (kind ?? choices.kind);
  return (
    <div className={classes.files}>
      <DatasetCard {...card} running={running} used={run.status !== 'idle' && purpose === 'features'} />
      {choices === undefined || wanted === undefined || running ? null : (
        <>
          <NativeSelect
            size="xs"
            label="To be made"
            value={wanted}
            data={[
              { value: 'pairs', label: 'preference pairs (stage 2)', disabled: !choices.hasPairs },
              { value: 'labels', label: 'labelled responses (stage 1)' },
            ]}
            onChange={({ currentTarget }) => setKind(currentTarget.value === 'pairs' ? 'pairs' : 'labels')}
          />
          <p className="muted small">{planWords(wanted, choices)}</p>
          {wanted === 'labels' && model !== undefined ? (
            <Labels
              names={objectives.map(({ name }) => name)}
              choices={choices}
              chosen={chosen}
              onChoose={(index, key) => setChosen({ ...chosen, [index]: key })}
            />
          ) : null}
        </>
      )}
      {model === undefined || (run.status === 'done' && purpose === 'features') ? null : (
        <StagedQueue memory={model.memory} atOnce={requestsAtOnce(model.memory)} />
      )}
      {running ? null : (
        <div>
          <Button
            size="compact-sm"
            disabled={model === undefined || choices === undefined || wanted === undefined}
            onClick={() => {
              if (model !== undefined && choices !== undefined && wanted !== undefined)
                startEvaluation(engine, model, featurePlan(wanted, choices, objectives, chosen));
            }}
          >
            Make features
          </Button>
        </div>
      )}
      {running && purpose === 'scores' ? (
        <p className="muted small" role="status">
          Evaluate is scoring it. Features can be made when it has ended, and nothing is computed twice.
        </p>
      ) : null}
    </div>
  );
}

function planWords(kind: FeaturePlan['kind'], { keys, kind: likely }: FeatureChoices): string {
  if (kind === 'pairs')
    return likely === 'pairs'
      ? 'A row for each chosen response with each rejected one of its record.'
      : 'A row for each prompt: its best response by the label with its worst.';
  return keys.length === 0
    ? 'A row for each response. No record says how a response is rated, so every label is missing.'
    : 'A row for each response, with the labels below.';
}

interface LabelsProps {
  readonly names: readonly string[];
  readonly choices: FeatureChoices;
  readonly chosen: Readonly<Record<number, string>>;
  readonly onChoose: (index: number, key: string) => void;
}

/** Which field rates which objective. */
function Labels({ names, choices: { keys, columns }, chosen, onChoose }: LabelsProps) {
  if (keys.length === 0) return null;
  const keyOf = (index: number) => chosen[index] ?? columns[index]?.key ?? '';
  const found = names.filter((_, index) => keys.includes(keyOf(index))).length;
  return (
    <details open={found === 0}>
      <summary className="small">
        Labels: the first records rate {found} of {formatQuantity(names.length, 'objective')}
      </summary>
      <p className="muted small">
        Fields are taken as they are; HelpSteer’s ratings are brought to the scale of the model’s rewards where its
        objective publishes one. A response without the field has no label, and is left out of that objective’s fit.
      </p>
      <div className={classes.labelGrid}>
        {names.map((name, index) => (
          <NativeSelect
            key={name}
            size="xs"
            label={name}
            value={keyOf(index)}
            data={[
              { value: '', label: 'no label' },
              ...[...new Set([...keys, columns[index]?.key ?? name])].map((key) => ({ value: key, label: key })),
            ]}
            onChange={({ currentTarget }) => onChoose(index, currentTarget.value)}
          />
        ))}
      </div>
    </details>
  );
}

/** The queue while it works for this panel, and what came out. */
function RunState() {
  const { run } = useEvaluation();
  switch (run.status) {
    case 'idle':
      return null;
    case 'done':
      return run.made === undefined ? null : (
        <p className="small" role="status" aria-label="Features made">
          {madeWords(run.made)} {formatCount(run.scored)} of its responses were computed now, {formatCount(run.reused)}{' '}
          known from before or said twice
          {run.rejected === 0 ? '' : `; ${formatQuantity(run.rejected, 'record')} could not be used`}.
        </p>
      );
    default:
      return (
        <>
          <UnfinishedQueue
            run={run}
            stopped="Making features stopped"
            cancelled="Cancelled: what was computed is kept."
          />
          {isRunning(run) ? (
            <div className={classes.row}>
              {run.status === 'paused' ? (
                <Button size="compact-sm" onClick={resumeEvaluation}>
                  Go on making features
                </Button>
              ) : (
                <Button size="compact-sm" variant="default" onClick={pauseEvaluation}>
                  Pause making features
                </Button>
              )}
              <Button size="compact-sm" variant="default" onClick={cancelEvaluation}>
                Cancel making features
              </Button>
            </div>
          ) : null}
        </>
      );
  }
}

function madeWords({ name, kind, rows, labelledRows, skippedItems }: MadeFeatureFile): string {
  const what =
    kind === 'pairs'
      ? formatQuantity(rows, 'pair')
      : `${formatQuantity(rows, 'response')}, ${formatCount(labelledRows)} of them with a label`;
  const skipped = skippedItems === 0 ? '' : ` ${formatQuantity(skippedItems, 'item')} gave none.`;
  return `${name} holds ${what}, and is now trained on.${skipped}`;
}

function Interrupted({
  interrupted: { name, modelId },
  model,
}: {
  readonly interrupted: InterruptedRun;
  readonly model: LoadedModel | undefined;
}) {
  const engine = useEngine();
  const other = model !== undefined && model.manifest.id !== modelId;
  return (
    <InterruptedQueue
      title={`Making features from ${name} was interrupted`}
      resume="Resume making features"
      onResume={model === undefined ? undefined : () => void trackWork(resumeInterrupted(engine, model))}
      onDiscard={() => void trackWork(forgetInterrupted())}
    >
      The page was closed before it ended. What was computed is kept, and going on computes only the rest.
      {other ? ` It was begun with ${modelId}, which is not the model in use: with this one it starts over.` : ''}
    </InterruptedQueue>
  );
}

/** Files made before, on this machine. */
function MadeFiles() {
  const { files, problem } = useMadeFeatures();
  const [gone, setGone] = useState<string>();
  if (problem !== undefined)
    return (
      <p role="alert" className={`${classes.problem} small`}>
        Feature files that were made before cannot be listed: {problem}
      </p>
    );
  if (files.length === 0) return null;
  const save = async (name: string) => {
    const blob = await madeFeatureBlob(name);
    if (blob === undefined) setGone(name);
    else saveFile(name, blob);
  };
  return (
    <div className={classes.files} role="group" aria-label="Features made here">
      <h3>Made here</h3>
      <ul className={classes.runs}>
        {files.map(({ name, bytes }) => (
          <li key={name}>
            <span className="small">
              <code className={classes.fileName}>{name}</code>{' '}
              <span className="muted numeric">{formatBytes(bytes)}</span>
            </span>
            <span className={classes.runTools}>
              <button
                type="button"
                aria-label={`Train on ${name}`}
                onClick={() => void trainOnMadeFeatures([name]).then((there) => setGone(there ? undefined : name))}
              >
                Train on it
              </button>
              <button type="button" aria-label={`Save ${name}`} onClick={() => void trackWork(save(name))}>
                Save
              </button>
              <button
                type="button"
                aria-label={`Remove ${name}`}
                title="The hidden states stay: making it again computes nothing anew"
                onClick={() => void removeMadeFeatures(name)}
              >
                Remove
              </button>
            </span>
          </li>
        ))}
      </ul>
      {gone === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {gone} is no longer there. Make it again.
        </p>
      )}
    </div>
  );
}
