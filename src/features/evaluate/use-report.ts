/**
 * The report on the set under the present steering, and the one at the baseline. It takes longer than a frame on large sets, so it
 * follows the table of rows: it is made once the scores have stood still for a moment.
 */
import { useEffect, useMemo, useState } from 'react';
import { evaluationReport, type EvaluationReport } from '@/core/evaluation-report.ts';
import { steeredTransform } from '@/core/steering.ts';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import { beginWork } from '@/state/pending-work.ts';

/** A slider that is dragged moves every few milliseconds; a pause this long means that it rests. */
const SETTLE_MS = 120;
/** Up to so many rows the report is ready in a frame or two, and is made at once. */
const SMALL = 4000;

export interface Reports {
  readonly report: EvaluationReport;
  readonly baseline: EvaluationReport;
}

export function useReport({ set, head, steering, scores }: EvaluatedSet): Reports {
  const batch = scores?.batch;
  const baseline = useMemo(
    () => evaluationReport(set, batch?.baseline.scores ?? set.scores, head?.transform),
    [set, batch, head],
  );
  const [shown, setShown] = useState<Reports>({ report: baseline, baseline });
  useEffect(() => {
    const end = beginWork();
    const make = () => {
      const transform = head === undefined ? undefined : steeredTransform(head, steering.penalties);
      const report = scores === undefined ? baseline : evaluationReport(set, scores.scores.scores, transform);
      setShown({ report, baseline });
      end();
    };
    const timer = setTimeout(make, set.rows <= SMALL ? 0 : SETTLE_MS);
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [set, head, steering, scores, baseline]);
  // Of another set: not for a moment.
  return shown.baseline === baseline ? shown : { report: baseline, baseline };
}
