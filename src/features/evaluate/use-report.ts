/**
 * The report on the set under the present steering, and the one at the baseline. On large sets it takes longer than a frame, so it is
 * made in a worker, and follows the table of rows: once the scores have stood still for a moment.
 */
import { useEffect, useMemo, useState } from 'react';
import { reportedPart, reportOn, type EvaluationReport } from '@/core/evaluation-report.ts';
import { isIdentitySteering, steeredTransform } from '@/core/steering.ts';
import type { DebiasJobs } from '@/jobs/api/debias.ts';
import { useDebiasJobs } from '@/queries/debias-context.ts';
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

/** `undefined` until the first report on a large set is made. */
export function useReport({ set, head, steering, scores }: EvaluatedSet): Reports | undefined {
  const jobs = useDebiasJobs();
  const batch = scores?.batch;
  const small = set.rows <= SMALL;
  const subject = useMemo(
    () => ({ set, scores: batch?.baseline.scores ?? set.scores, transform: head?.transform }),
    [set, batch, head],
  );
  const atOnce = useMemo(
    () => (small ? reportOn(subject.set, subject.scores, subject.transform) : undefined),
    [small, subject],
  );
  const [made, setMade] = useState<{ readonly subject: Subject; readonly report: EvaluationReport }>();
  useEffect(
    () => (small ? undefined : reportOff(jobs, subject, (report) => setMade({ subject, report }))),
    [small, jobs, subject],
  );
  const baseline = atOnce ?? (made?.subject === subject ? made.report : undefined);
  const [shown, setShown] = useState<Reports>();
  useEffect(() => {
    if (baseline === undefined) return undefined;
    const show = (report: EvaluationReport) => setShown({ report, baseline });
    if (scores === undefined || head === undefined || isIdentitySteering(steering)) {
      show(baseline);
      return undefined;
    }
    const end = beginWork();
    let cancel: (() => void) | undefined;
    const make = () => {
      const steered = {
        set,
        scores: scores.scores.scores,
        transform: steeredTransform(head, steering.penalties),
      };
      if (small) show(reportOn(steered.set, steered.scores, steered.transform));
      else cancel = reportOff(jobs, steered, show);
      end();
    };
    const timer = setTimeout(make, small ? 0 : SETTLE_MS);
    return () => {
      clearTimeout(timer);
      cancel?.();
      end();
    };
  }, [jobs, small, set, head, steering, scores, baseline]);
  if (baseline === undefined) return undefined;
  // Of another set: not for a moment.
  return shown?.baseline === baseline ? shown : { report: baseline, baseline };
}

interface Subject {
  readonly set: EvaluatedSet['set'];
  readonly scores: Float64Array;
  readonly transform: Float64Array | undefined;
}

/** Has a worker make a report. @returns what ends it early. */
function reportOff(
  jobs: DebiasJobs,
  { set, scores, transform }: Subject,
  done: (report: EvaluationReport) => void,
): () => void {
  const abort = new AbortController();
  const make = async () => {
    const end = beginWork();
    try {
      done(await jobs.run('report', { set: reportedPart(set), scores, transform }, abort.signal));
    } catch {
      // A worker that cannot be made is no reason to show nothing: the same function works here, only it holds the page up.
      if (!abort.signal.aborted) done(reportOn(set, scores, transform));
    } finally {
      end();
    }
  };
  void make();
  return () => abort.abort();
}
