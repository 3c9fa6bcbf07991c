/**
 * The transform M behind rewards and adjusted rewards, for scores that come without their model: r' = r M with one verbosity row
 * (Eq 2) leaves r_j − r'_j = λ_j r_v, so any row gives λ, and all others must agree.
 */
import { transformFromPenalties } from './debias.ts';

/** Largest disagreement allowed, relative to the rewards: a few roundings, far below any real difference. */
const tolerance = 1e-9;

/**
 * @param rewards r `[n, k]`. @param adjusted r' `[n, k]`.
 * @returns M `[k, k]` up to rounding; undefined where no single dimension explains all rows (several dimensions, another form of M).
 */
export function recoverTransform(
  rewards: readonly ArrayLike<number>[],
  adjusted: readonly ArrayLike<number>[],
): Float64Array | undefined {
  const k = rewards[0]?.length ?? 0;
  for (let v = 0; v < k; v++) {
    const row = rewards.reduce((best, r, i) => (Math.abs(r[v]!) > Math.abs(rewards[best]![v]!) ? i : best), 0);
    const verbosity = rewards[row]![v]!;
    if (verbosity === 0) continue;
    const penalties = Float64Array.from({ length: k }, (_, j) => (rewards[row]![j]! - adjusted[row]![j]!) / verbosity);
    const agrees = rewards.every((r, i) =>
      penalties.every((penalty, j) => {
        const scale = Math.abs(r[j]!) + Math.abs(penalty * r[v]!);
        return Math.abs(r[j]! - penalty * r[v]! - adjusted[i]![j]!) <= tolerance * scale + Number.MIN_VALUE;
      }),
    );
    if (agrees) return transformFromPenalties(k, [{ dimension: v, penalties }]);
  }
  return undefined;
}
