/** What is trained on: features and heads by drop or choice, told apart by what is in them, and what a person should know of each. */
import { Button } from '@mantine/core';
import { type ReactNode } from 'react';
import { FileButton } from '@/components/file-button.tsx';
import { CrossIcon } from '@/components/icons.tsx';
import { Notice } from '@/components/notice.tsx';
import { formatBytes, formatCount, formatQuantity } from '@/components/number-format.ts';
import { showFileInEveryView } from '@/queries/trained-heads.ts';
import { trackWork } from '@/state/pending-work.ts';
import {
  addTrainingFiles,
  chooseSample,
  dismissDataProblems,
  removeFiles,
  useTrainingData,
  type DataRole,
} from '@/state/training-data.ts';
import { changeForm, useTrainingForm } from '@/state/training-form.ts';
import { JobErrorNotice } from './job-error-notice.tsx';
import { featureWords } from './run-words.ts';
import type { FilesState, TrainSubject } from './use-training.ts';
import classes from './train-view.module.css';

/** The page's own features, in a size that trains while one watches. */
export async function startFromSample(): Promise<boolean> {
  const { preset, texts } = useTrainingForm.getState();
  const untouched = preset === 'paper' && Object.keys(texts).length === 0;
  const fetched = await chooseSample(document.baseURI);
  if (fetched && untouched) changeForm({ preset: 'small' });
  return fetched;
}

export function DataPanel({ subject }: { readonly subject: TrainSubject }) {
  const { problems, reading } = useTrainingData();
  const { stage1, stage2, heads } = subject;
  const nothing = [stage1, stage2, heads].every(({ chosen }) => chosen === undefined);
  return (
    <section className={`card ${classes.panel}`} aria-label="Data">
      <h2>Data</h2>
      {nothing ? (
        <p className="small">
          Drop features here, in the layouts of the authors’ scripts: labelled responses (stage 1,{' '}
          <code>embeddings [N,d]</code> with <code>labels [N,k]</code>) for the probes, preference pairs (stage 2,{' '}
          <code>embeddings [N,2,d]</code> with <code>prompt_embeddings</code>) for the gate, in one file or many shards.
          Heads too, as <code>.safetensors</code> or <code>.pt</code>. Nothing leaves this machine.
        </p>
      ) : null}
      <div className={classes.row}>
        <Button size="compact-sm" variant={nothing ? 'filled' : 'default'} onClick={() => void startFromSample()}>
          Use the sample
        </Button>
        <FileButton
          label="Features and heads"
          accept=".safetensors,.pt,.pth,.bin"
          multiple
          variant="default"
          onFiles={(files) => void addTrainingFiles(files.map((file) => ({ name: file.name, blob: file })))}
        >
          Choose files
        </FileButton>
        {reading ? (
          <span className="muted small" role="status">
            Reading …
          </span>
        ) : null}
      </div>
      {nothing ? (
        <p className="muted small">
          The sample is 1,800 labelled responses and 500 preference pairs as the embedded model sees them: numbers only.
        </p>
      ) : null}
      {problems.length === 0 ? null : (
        <Notice tone="bad" title="Not everything could be used">
          <ul>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
          <div>
            <Button size="compact-sm" variant="default" onClick={dismissDataProblems}>
              Dismiss
            </Button>
          </div>
        </Notice>
      )}
      <Files role="stage-1" title="Labelled responses (stage 1)" state={stage1} warnings={stage1.data?.warnings}>
        {stage1.data === undefined ? null : (
          <>
            <p className="small">{featureWords(stage1.data)}.</p>
            <Labels labelled={stage1.data.labelled} />
          </>
        )}
      </Files>
      <Files role="stage-2" title="Preference pairs (stage 2)" state={stage2} warnings={stage2.data?.warnings}>
        {stage2.data === undefined ? null : <p className="small">{featureWords(stage2.data)}.</p>}
      </Files>
      <Files role="heads" title="Heads" state={heads}>
        <HeadFacts subject={subject} />
      </Files>
    </section>
  );
}

function Labels({ labelled }: { readonly labelled: readonly number[] | undefined }) {
  if (labelled === undefined) return null;
  const without = labelled.filter((count) => count === 0).length;
  return (
    <p className="muted small numeric">
      Labels by objective: {formatCount(Math.min(...labelled))} to {formatCount(Math.max(...labelled))}
      {without === 0 ? '' : `; ${formatQuantity(without, 'objective')} without any`}. A missing label is left out of its
      objective’s fit.
    </p>
  );
}

interface FilesProps {
  readonly role: DataRole;
  readonly title: string;
  readonly state: FilesState<unknown>;
  readonly warnings?: readonly { readonly message: string }[] | undefined;
  readonly children: ReactNode;
}

function Files({ role, title, state: { chosen, data, error }, warnings = [], children }: FilesProps) {
  if (chosen === undefined) return null;
  const [first, ...more] = chosen.names;
  return (
    <div className={classes.files} role="group" aria-label={title}>
      <div className={classes.filesHead}>
        <h3>{title}</h3>
        <button
          type="button"
          className={classes.remove}
          aria-label={`Remove ${title}`}
          title="Remove"
          onClick={() => removeFiles(role)}
        >
          <CrossIcon />
        </button>
      </div>
      <p className="small">
        <code>{first}</code>
        {more.length === 0 ? null : ` and ${formatQuantity(more.length, 'more file')}`}{' '}
        <span className="muted numeric">{formatBytes(chosen.bytes)}</span>
      </p>
      {error === undefined ? null : <JobErrorNotice error={error} />}
      {data === undefined && error === undefined ? (
        <p className="muted small" role="status">
          Reading …
        </p>
      ) : null}
      {children}
      {warnings.map(({ message }) => (
        <Notice key={message} tone="warn" title="Worth knowing">
          <p>{message}</p>
        </Notice>
      ))}
    </div>
  );
}

/** What heads from files bring, and the way to use them as they are. */
function HeadFacts({ subject: { heads, model } }: { readonly subject: TrainSubject }) {
  const { data: parts, chosen } = heads;
  if (parts === undefined || chosen === undefined) return null;
  const { objectives, featureSize, regression, transform, gateLayers } = parts;
  const brings = [
    regression === undefined ? undefined : 'regression layer',
    transform === undefined ? undefined : 'reward transform',
    gateLayers === undefined
      ? undefined
      : `gate (${[...gateLayers.map((layer) => layer.inputSize), gateLayers.at(-1)?.outputSize].join('–')})`,
  ].filter((part) => part !== undefined);
  const fits =
    model !== undefined &&
    (objectives ?? model.head.objectives) === model.head.objectives &&
    (featureSize ?? model.head.featureSize) === model.head.featureSize;
  return (
    <>
      <p className="small">
        {brings.join(', ')}
        {objectives === undefined ? '' : `; ${formatQuantity(objectives, 'objective')}`}
        {featureSize === undefined ? '' : `, ${formatCount(featureSize)} wide`}.
      </p>
      {model === undefined ? null : fits ? (
        <div>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              const { objectives: k, featureSize: d, gate } = model.head;
              void trackWork(
                showFileInEveryView(parts, chosen.names, { id: model.id, objectives: k, featureSize: d, gate }),
              );
            }}
          >
            Use these heads in every view
          </Button>
        </div>
      ) : (
        <p className="muted small">
          They do not fit {model.name} ({model.head.objectives} objectives, {formatCount(model.head.featureSize)} wide),
          so other views cannot show them.
        </p>
      )}
    </>
  );
}
