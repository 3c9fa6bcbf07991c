/**
 * Best of N: of the responses of one prompt the highest-scored is taken. Where they carry labels: which rank by label it has, and
 * how much label was given away (regret), beside what a random pick would give away.
 */
import type { Comparisons, ScoredSet } from './scored-set.ts';
import { wilsonInterval } from './wilson.ts';
import type { Interval } from './wilson.ts';

type LabelledGroups = Pick<ScoredSet, 'groups' | 'groupStart' | 'labels'>;

/** One group's pick. Ties at the top are shared: every figure is the mean over the tied. */
export interface BestOfGroup {
  readonly group: number;
  readonly responses: number;
  /** Rank by label of the picked response: 1 is best, equal labels share the middle. */
  readonly rank: number;
  /** Best label less the picked one's; 0 is best. */
  readonly regret: number;
  /** Best label less the mean label. */
  readonly randomRegret: number;
}

export interface BestOfN {
  readonly groups: readonly BestOfGroup[];
  readonly meanRank: number;
  readonly meanRegret: number;
  readonly meanRandomRegret: number;
  /** Share of groups whose pick has the best label (ties shared), and its interval. */
  readonly best: number;
  readonly interval: Interval;
}

/** Over the groups with at least two labelled responses; unlabelled rows are left out. @returns undefined where there is none. */
export function bestOfN({ groups, groupStart, labels }: LabelledGroups, scores: Float64Array): BestOfN | undefined {
  const picks: BestOfGroup[] = [];
  let hits = 0;
  for (let group = 0; group < groups; group++) {
    const rows: number[] = [];
    for (let row = groupStart[group]!; row < groupStart[group + 1]!; row++)
      if (!Number.isNaN(labels[row]!)) rows.push(row);
    if (rows.length < 2) continue;
    const top = rows.reduce((best, row) => Math.max(best, scores[row]!), -Infinity);
    const picked = rows.filter((row) => scores[row] === top);
    const bestLabel = rows.reduce((best, row) => Math.max(best, labels[row]!), -Infinity);
    const mean = (of: readonly number[], value: (row: number) => number): number =>
      of.reduce((sum, row) => sum + value(row), 0) / of.length;
    const rankOf = (row: number): number => {
      const above = rows.filter((other) => labels[other]! > labels[row]!).length;
      const equal = rows.filter((other) => labels[other] === labels[row]).length;
      return above + (equal + 1) / 2;
    };
    hits += picked.filter((row) => labels[row] === bestLabel).length / picked.length;
    picks.push({
      group,
      responses: rows.length,
      rank: mean(picked, rankOf),
      regret: mean(picked, (row) => bestLabel - labels[row]!),
      randomRegret: mean(rows, (row) => bestLabel - labels[row]!),
    });
  }
  if (picks.length === 0) return undefined;
  const mean = (value: (pick: BestOfGroup) => number): number =>
    picks.reduce((sum, pick) => sum + value(pick), 0) / picks.length;
  return {
    groups: picks,
    meanRank: mean(({ rank }) => rank),
    meanRegret: mean(({ regret }) => regret),
    meanRandomRegret: mean(({ randomRegret }) => randomRegret),
    best: hits / picks.length,
    interval: wilsonInterval(hits, picks.length),
  };
}

/** Comparisons by label: in every group, each pair of rows with different labels, the better-labelled as chosen. */
export function comparisonsByLabel({ groups, groupStart, labels }: LabelledGroups): Comparisons {
  const chosen: number[] = [];
  const rejected: number[] = [];
  for (let group = 0; group < groups; group++) {
    const end = groupStart[group + 1]!;
    for (let a = groupStart[group]!; a < end; a++)
      for (let b = a + 1; b < end; b++) {
        // NaN compares as neither.
        if (labels[a]! > labels[b]!) {
          chosen.push(a);
          rejected.push(b);
        } else if (labels[b]! > labels[a]!) {
          chosen.push(b);
          rejected.push(a);
        }
      }
  }
  return { chosen: Int32Array.from(chosen), rejected: Int32Array.from(rejected) };
}
