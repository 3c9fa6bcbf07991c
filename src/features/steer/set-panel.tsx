/** A set of scored responses beside the open ones: loaded from a file, ranked anew with every move, its flips counted and listed. */
import { Button, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { Panel } from '@/components/panel.tsx';
import { FileButton } from '@/components/file-button.tsx';
import { formatCount, formatPercent, formatQuantity } from '@/components/number-format.ts';
import { StandInNotice } from '@/components/stand-in-notice.tsx';
import { comparisonsOf, type Comparisons, type ScoredSet } from '@/core/scored-set.ts';
import type { ActiveHead } from '@/queries/active-head.ts';
import { standInWords, type HeadSet } from '@/queries/head-set.ts';
import { openScoredSet } from '@/queries/open-scored-set.ts';
import { closeScoredSet, useLoadedSet } from '@/state/loaded-set.ts';
import { setSource, useSteering } from '@/state/steering-store.ts';
import { FlipList } from './flip-list.tsx';
import { ScoreList } from './score-list.tsx';
import type { SetScores } from '@/queries/use-set-scores.ts';
import classes from './set-panel.module.css';

interface Props {
  readonly active: ActiveHead;
  readonly loaded: SetScores | undefined;
  /** Why the set is not shown under the head in force. */
  readonly standIn: HeadSet['standIn'];
}

export function SetPanel({ active, loaded, standIn }: Props) {
  const { summary, problem, reading } = useLoadedSet();
  const source = useSteering((state) => state.source);
  const [list, setList] = useState<'flips' | 'all'>('flips');
  return (
    <Panel name="Loaded set" className={classes.panel}>
      <div className={classes.head}>
        <h2>{summary === undefined ? 'A set of scored responses' : summary.name}</h2>
        <div className={classes.buttons}>
          {source.kind === 'set' ? (
            <Button size="compact-sm" variant="light" onClick={() => setSource({ kind: 'open' })}>
              Back to the open responses
            </Button>
          ) : null}
          <OpenSet active={active} reading={reading} />
          {summary === undefined ? null : (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                setSource({ kind: 'open' });
                closeScoredSet();
              }}
            >
              Close the set
            </Button>
          )}
        </div>
      </div>
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem}
        </p>
      )}
      {standIn === undefined ? null : (
        <StandInNotice
          head={standIn.variant}
          working={standIn.reason.status === 'working'}
          why={standInWords(standIn.reason)}
          instead="Choose the model’s own head above to rank the set under it."
        />
      )}
      {summary !== undefined && standIn !== undefined ? null : summary === undefined || loaded === undefined ? (
        <p className="muted small">
          Choose a file that <code>npm run score</code> or Evaluate wrote (JSONL, CSV or Parquet): its responses are
          ranked anew with every move of a slider, and every flip is listed. Nothing is scored again and nothing leaves
          this machine.
        </p>
      ) : (
        <>
          <SetFacts loaded={loaded} rejected={summary.rejected} />
          <SegmentedControl
            size="xs"
            aria-label="List"
            value={list}
            onChange={(value) => setList(value)}
            data={[
              { value: 'flips', label: `Flips (${formatCount(loaded.scores.flipCount)})` },
              { value: 'all', label: `All responses (${formatCount(summary.rows)})` },
            ]}
          />
          {list === 'flips' ? <FlipList loaded={loaded} /> : <ScoreList loaded={loaded} />}
        </>
      )}
    </Panel>
  );
}

function OpenSet({ active, reading }: { readonly active: ActiveHead; readonly reading: boolean }) {
  return (
    <FileButton
      label="File of scored responses"
      accept=".jsonl,.ndjson,.csv,.parquet"
      variant="default"
      disabled={reading}
      onFiles={([file]) => void openScoredSet(file, active.owner)}
    >
      {reading ? 'Reading…' : 'Load a scored file…'}
    </FileButton>
  );
}

function SetFacts({ loaded, rejected }: { readonly loaded: SetScores; readonly rejected: number }) {
  const { set, scores, batch } = loaded;
  const comparisons = comparisonsFor(set);
  const pairs = comparisons.chosen.length;
  return (
    <p className={`${classes.facts} numeric small`}>
      {formatQuantity(set.rows, 'response')} in {formatQuantity(set.groups, 'group')};{' '}
      <strong>{formatQuantity(scores.flipCount, 'flip')}</strong> against the baseline
      {pairs === 0
        ? ''
        : `; the chosen response wins in ${formatPercent(accuracy(comparisons, scores.scores))} of ${formatQuantity(pairs, 'comparison')} (baseline ${formatPercent(accuracy(comparisons, batch.baseline.scores))})`}
      {rejected === 0 ? '' : `; ${formatQuantity(rejected, 'row')} of the file could not be used`}.
    </p>
  );
}

const known = new WeakMap<ScoredSet, Comparisons>();

function comparisonsFor(set: ScoredSet): Comparisons {
  const found = known.get(set) ?? comparisonsOf(set);
  known.set(set, found);
  return found;
}

/** Share of comparisons in which the chosen response scores higher; a tie is not right. */
function accuracy({ chosen, rejected }: Comparisons, scores: Float64Array): number {
  let right = 0;
  for (let i = 0; i < chosen.length; i += 1)
    if ((scores[chosen[i] ?? 0] ?? 0) > (scores[rejected[i] ?? 0] ?? 0)) right += 1;
  return right / chosen.length;
}
