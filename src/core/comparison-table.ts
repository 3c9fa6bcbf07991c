/**
 * The table of comparisons behind Evaluate: margin before and after, flips, lengths, as columns over all comparisons, and which of
 * them pass a filter. All of it in typed arrays, so that 100,000 responses filter and re-rank while a slider moves.
 */
import type { Comparisons, ScoredSet } from './scored-set.ts';

export interface ComparisonColumns {
  /** m of chosen over rejected under the scores in use `[m]`. */
  readonly margins: Float64Array;
  /** The same under the scores to compare with. */
  readonly baseline: Float64Array;
  /** 1 where the two decide differently. */
  readonly flipped: Uint8Array;
}

/** Columns that depend on the scores; into `target` where it fits, so that nothing is allocated while a slider moves. */
export function comparisonColumns(
  { chosen, rejected }: Comparisons,
  scores: Float64Array,
  baseline: Float64Array,
  target?: ComparisonColumns,
): ComparisonColumns {
  const m = chosen.length;
  const columns =
    target?.margins.length === m
      ? target
      : { margins: new Float64Array(m), baseline: new Float64Array(m), flipped: new Uint8Array(m) };
  for (let i = 0; i < m; i++) {
    const a = chosen[i]!;
    const b = rejected[i]!;
    const now = scores[a]! - scores[b]!;
    const before = baseline[a]! - baseline[b]!;
    columns.margins[i] = now;
    columns.baseline[i] = before;
    columns.flipped[i] = now > 0 === before > 0 && now < 0 === before < 0 ? 0 : 1;
  }
  return columns;
}

/** What a person may ask for; what is absent lets everything pass. */
export interface ComparisonQuery {
  /** Codes of `set.subsets`. */
  readonly subsets?: ReadonlySet<number>;
  /** Margin from … to, both included. */
  readonly margin?: { readonly from: number; readonly to: number };
  readonly outcome?: 'right' | 'wrong' | 'tied';
  readonly flipped?: boolean;
  /** Tokens of the chosen less tokens of the rejected, both included. */
  readonly lengthDifference?: { readonly from: number; readonly to: number };
}

/** Comparisons that pass, ascending. */
export function filterComparisons(
  { subsets, responseTokens }: Pick<ScoredSet, 'subsets' | 'responseTokens'>,
  { chosen, rejected }: Comparisons,
  { margins, flipped }: ComparisonColumns,
  query: ComparisonQuery,
): Uint32Array {
  const found = new Uint32Array(chosen.length);
  let count = 0;
  // By code, one more for rows without a subset: a set is asked far more slowly.
  const passes = query.subsets === undefined ? undefined : new Uint8Array(subsets.names.length + 1);
  for (const code of query.subsets ?? []) if (code < subsets.names.length) passes![code + 1] = 1;
  const wanted = { right: 1, wrong: -1, tied: 0 }[query.outcome ?? 'tied'];
  for (let i = 0; i < chosen.length; i++) {
    const margin = margins[i]!;
    if (query.flipped !== undefined && (flipped[i] === 1) !== query.flipped) continue;
    if (query.outcome !== undefined && Math.sign(margin) !== wanted) continue;
    if (query.margin !== undefined && !(margin >= query.margin.from && margin <= query.margin.to)) continue;
    if (passes !== undefined && passes[subsets.codes[chosen[i]!]! + 1] !== 1) continue;
    if (query.lengthDifference !== undefined) {
      const difference = responseTokens[chosen[i]!]! - responseTokens[rejected[i]!]!;
      if (!(difference >= query.lengthDifference.from && difference <= query.lengthDifference.to)) continue;
    }
    found[count++] = i;
  }
  return found.slice(0, count);
}
