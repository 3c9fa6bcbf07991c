/**
 * The loaded set under the present steering. Scores go into buffers that are made once, in the frame after a slider moved, and
 * only what is in sight is drawn anew: 10,000 rows are never rendered.
 */
import { useEffect, useMemo, useState } from 'react';
import type { ScoredSet } from '@/core/scored-set.ts';
import {
  makeBatchScores,
  makeSteeringBatch,
  scoreBatch,
  steerableSet,
  type BatchScores,
  type SteeringBatch,
} from '@/core/steering-batch.ts';
import { identitySteering, type SteerableHead, type Steering } from '@/core/steering.ts';
import { beginWork } from '@/state/pending-work.ts';

export interface SetScores {
  readonly set: ScoredSet;
  readonly batch: SteeringBatch;
  /** Overwritten in place: `version` says when. */
  readonly scores: BatchScores;
  /** Counts the recombinations. */
  readonly version: number;
}

export function useSetScores(head: SteerableHead | undefined, set: ScoredSet | undefined, steering: Steering) {
  const prepared = useMemo(() => {
    if (set === undefined || head === undefined || set.objectives.length !== head.objectives) return undefined;
    const batch = makeSteeringBatch(head, steerableSet(set, head));
    const scores = makeBatchScores(head, batch.set);
    // Until the first frame: the baseline.
    scoreBatch(batch, identitySteering, scores);
    return { set, batch, scores };
  }, [head, set]);
  const [version, setVersion] = useState(0);
  useEffect(() => {
    if (prepared === undefined) return undefined;
    const end = beginWork();
    const frame = requestAnimationFrame(() => {
      scoreBatch(prepared.batch, steering, prepared.scores);
      setVersion((before) => before + 1);
      end();
    });
    return () => {
      cancelAnimationFrame(frame);
      end();
    };
  }, [prepared, steering]);
  return useMemo(
    (): SetScores | undefined => (prepared === undefined ? undefined : { ...prepared, version }),
    [prepared, version],
  );
}
