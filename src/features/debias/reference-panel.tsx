/** Which responses correlations are computed on: the embedded set, the open scored set, or a file. */
import { SegmentedControl } from '@mantine/core';
import { FileButton } from '@/components/file-button.tsx';
import { formatQuantity } from '@/components/number-format.ts';
import { StandInNotice } from '@/components/stand-in-notice.tsx';
import type { ActiveHead } from '@/queries/active-head.ts';
import { useDebiasJobs } from '@/queries/debias-context.ts';
import { useReferenceSource, type Reference } from '@/queries/debias-reference.ts';
import { readsFeatures, standInWords } from '@/queries/head-set.ts';
import { openReferenceFile } from '@/queries/debias-file.ts';
import { chooseDebias } from '@/state/debias-store.ts';
import { useLoadedSet } from '@/state/loaded-set.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import type { DebiasSituation } from './use-debias.ts';
import classes from './debias-view.module.css';

export function ReferencePanel({ situation }: { readonly situation: DebiasSituation }) {
  const { active, reference } = situation;
  const source = useReferenceSource();
  const jobs = useDebiasJobs();
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  const setProblem = useLoadedSet((state) => state.problem);
  return (
    <>
      <div className={classes.line}>
        <SegmentedControl
          size="xs"
          aria-label="Reference set"
          value={source}
          onChange={(value) => chooseDebias({ source: value })}
          data={[
            ...(embedded ? [{ value: 'embedded' as const, label: 'Embedded' }] : []),
            { value: 'open-set' as const, label: 'Open dataset' },
            { value: 'file' as const, label: 'File' },
          ]}
        />
        <FileButton
          label="Reference file"
          accept=".safetensors,.jsonl,.ndjson,.csv,.parquet"
          variant="default"
          disabled={active === undefined}
          onFiles={([file]) => {
            if (active !== undefined) void openReferenceFile(file, active, jobs);
          }}
        >
          Open a file…
        </FileButton>
      </div>
      {reference.status === 'ready' ? <ReferenceFacts reference={reference.reference} /> : null}
      {reference.status === 'ready' ? <StandIn reference={reference.reference} active={active} /> : null}
      {reference.status === 'reading' ? <p className="muted small">Reading…</p> : null}
      {reference.status === 'failed' ? (
        <p role="alert" className={`${classes.problem} small`}>
          {reference.message}
        </p>
      ) : null}
      {source === 'open-set' && setProblem !== undefined ? (
        <p role="alert" className={`${classes.problem} small`}>
          {setProblem}
        </p>
      ) : null}
      {reference.status === 'none' ? (
        <p className="muted small">
          {source === 'file'
            ? 'Choose a file: a reference set or features as safetensors, or scores as JSONL, CSV or Parquet.'
            : 'No scored dataset is open. Score one in Evaluate, or open a file that npm run score or Evaluate wrote.'}
        </p>
      ) : null}
    </>
  );
}

/** Where the rewards are not those of the head in force. */
function StandIn({ reference, active }: { readonly reference: Reference; readonly active: ActiveHead | undefined }) {
  const { standIn, source } = reference;
  if (standIn !== undefined)
    return (
      <StandInNotice
        head={standIn.variant}
        working={standIn.reason.status === 'working'}
        why={standInWords(standIn.reason)}
        instead="The rewards here are the model’s own."
      />
    );
  if (source !== 'embedded' || active?.variant === undefined || !readsFeatures(active)) return null;
  return (
    <StandInNotice
      head={active.variant.name}
      working={false}
      why="It reads what the model saw in the texts, which the embedded reference set does not bring."
      instead="The rewards here are the model’s own."
    />
  );
}

function ReferenceFacts({ reference }: { readonly reference: Reference }) {
  const { name, set, scored, comparisons, source } = reference;
  const rows = set.rewards.length / set.objectives.length;
  const pairs = comparisons.chosen.length;
  return (
    <p className="small numeric">
      <strong>{name}</strong>: {formatQuantity(rows, 'response')}
      {scored === undefined ? '' : ` to ${formatQuantity(scored.groups, 'prompt')}`}
      {source === 'embedded' ? ' of the model’s training data, as numbers without texts' : ''};{' '}
      {pairs === 0 ? 'no pairs' : formatQuantity(pairs, 'comparison')};{' '}
      {set.responseTokens === undefined ? 'lengths in tokens are not known' : 'lengths in tokens are known'}.
    </p>
  );
}
