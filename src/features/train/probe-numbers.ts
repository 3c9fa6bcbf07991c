/** The probes' numbers as charts and tables want them. Pure. */
import type { ChartTable } from '@/components/chart-table-data.ts';
import type { NamedObjective } from '@/components/objective-language.ts';
import type { ProbeSummary } from '@/state/probe-store.ts';

/** Held-out error over log α as a multiple of its least, by objective that is fitted. */
export function relativePaths({
  probes,
}: Pick<ProbeSummary, 'probes'>): { objective: number; points: { x: number; y: number }[] }[] {
  return probes.flatMap((probe, objective) => {
    if (probe === undefined) return [];
    const least = Math.min(...probe.path.map((point) => point.validationMse));
    const points = probe.path.map(({ alpha, validationMse }) => ({
      x: Math.log10(alpha),
      y: least > 0 ? validationMse / least : 1,
    }));
    return [{ objective, points }];
  });
}

/** One row an objective: what was chosen, on how many rows, the error at every α, and λ of Eq 3. */
export function probeTable(
  { probes, penalties }: Pick<ProbeSummary, 'probes' | 'penalties'>,
  names: readonly NamedObjective[],
): ChartTable {
  const alphas = probes.find((probe) => probe !== undefined)?.path.map(({ alpha }) => alpha) ?? [];
  const lambda = (objective: number) => penalties?.penalties[objective];
  return {
    columns: [
      { label: 'Objective' },
      { label: 'α', meaning: 'Chosen: the least error on the held-out rows', format: String },
      { label: 'Held-out MSE' },
      { label: 'Fitted rows', format: String },
      { label: 'Held-out rows', format: String },
      { label: 'λ', meaning: 'Eq 3: how much of the verbosity reward is taken off' },
      ...alphas.map((alpha) => ({ label: `MSE at α ${alpha}` })),
    ],
    rows: probes.map((probe, objective) => [
      names[objective] ?? `objective ${objective}`,
      probe?.alpha,
      probe?.validationMse,
      probe?.trainRows,
      probe?.validationRows,
      lambda(objective),
      ...alphas.map((_, at) => probe?.path[at]?.validationMse),
    ]),
  };
}
