/**
 * Correlation with ties done properly: mid-rank Spearman, Pearson, Kendall τ-b, all in f64.
 *
 * A missing value is never ranked: NaN is refused (SciPy's default would spread it, a sort would place it anywhere). Where
 * the statistic does not exist, fewer than two rows or a side that is constant, the answer is NaN, as in SciPy.
 */
import { assert } from '@/base/assert.ts';
import { DataError } from './errors.ts';

type Numbers = Float64Array | Float32Array | readonly number[];

/**
 * Indices of `values` `[n]` in ascending order of value, ties in index order.
 * @throws DataError naming the first NaN.
 */
export function ascendingOrder(values: Numbers, where = 'values'): Uint32Array {
  const order = new Uint32Array(values.length);
  for (let i = 0; i < order.length; i++) {
    if (Number.isNaN(values[i])) throw new DataError(`${where}[${i}]`, 'is NaN, which has no rank');
    order[i] = i;
  }
  return order.sort(
    (a, b) => values[a]! - values[b]! || (values[a] === values[b] ? a - b : values[a]! < values[b]! ? -1 : 1),
  );
}

/**
 * Mid-ranks of `values` `[n]`: 1 … n, equal values share the mean of their ranks. Infinities rank at the ends; −0 equals 0.
 * @returns new f64 `[n]`; every entry is a whole or half number, Σ = n (n + 1) / 2.
 * @throws DataError naming the first NaN.
 */
export function midRanks(values: Numbers, where = 'values'): Float64Array {
  const order = ascendingOrder(values, where);
  const ranks = new Float64Array(order.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    const rank = (start + 1 + end) / 2;
    for (let position = start; position < end; position++) ranks[order[position]!] = rank;
    start = end;
  }
  return ranks;
}

/**
 * Spearman's ρ: Pearson's correlation of the mid-ranks of `x` `[n]` and `y` `[n]`. Exact up to one rounding for n < 2·10⁵, so
 * that perfect order gives ±1 exactly.
 * @returns a number in [−1, 1]; NaN where n < 2 or a side is constant.
 * @throws DataError on NaN; AssertionError when lengths differ.
 */
export function spearman(x: Numbers, y: Numbers): number {
  assert(x.length === y.length, () => `x has ${x.length} entries, y ${y.length}`);
  return rankCorrelation(centredRanks(midRanks(x, 'x')), centredRanks(midRanks(y, 'y')));
}

/** Doubled mid-ranks less their mean: whole numbers, so that sums of their products round nowhere. Mutates and returns. */
export function centredRanks(ranks: Float64Array): Float64Array {
  for (let i = 0; i < ranks.length; i++) ranks[i] = 2 * ranks[i]! - (ranks.length + 1);
  return ranks;
}

/** ρ from two sets of centred ranks `[n]` (see `centredRanks`); NaN where one is all zero. */
export function rankCorrelation(a: Float64Array, b: Float64Array): number {
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    squareA += a[i]! * a[i]!;
    squareB += b[i]! * b[i]!;
  }
  if (squareA === 0 || squareB === 0) return Number.NaN;
  return clamp(product / Math.sqrt(squareA * squareB));
}

/**
 * Pearson's r of `x` `[n]` and `y` `[n]`, means subtracted first (two passes).
 * @returns a number in [−1, 1]; NaN where n < 2 or a side is constant.
 * @throws DataError on NaN or infinity; AssertionError when lengths differ.
 */
export function pearson(x: Numbers, y: Numbers): number {
  const { xx, yy, xy } = centredMoments(x, y);
  if (xx === 0 || yy === 0) return Number.NaN;
  return clamp(xy / (Math.sqrt(xx) * Math.sqrt(yy)));
}

/**
 * Centred second moments Σ(x−x̄)², Σ(y−ȳ)², Σ(x−x̄)(y−ȳ); exactly 0 for a constant side.
 * @throws DataError on NaN or infinity; AssertionError when lengths differ.
 */
export function centredMoments(
  x: Numbers,
  y: Numbers,
): { readonly xx: number; readonly yy: number; readonly xy: number } {
  assert(x.length === y.length, () => `x has ${x.length} entries, y ${y.length}`);
  const meanX = meanOf(x, 'x');
  const meanY = meanOf(y, 'y');
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i]! - meanX;
    const dy = y[i]! - meanY;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return { xx, yy, xy };
}

/**
 * Kendall's τ-b of `x` `[n]` and `y` `[n]`: (concordant − discordant) / √((pairs − ties in x)(pairs − ties in y)), in
 * O(n log n) (Knight 1966).
 * @returns a number in [−1, 1]; NaN where n < 2 or a side is constant.
 * @throws DataError on NaN; AssertionError when lengths differ.
 */
export function kendallTauB(x: Numbers, y: Numbers): number {
  assert(x.length === y.length, () => `x has ${x.length} entries, y ${y.length}`);
  const n = x.length;
  const rankX = midRanks(x, 'x');
  const rankY = midRanks(y, 'y');
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => rankX[a]! - rankX[b]! || rankY[a]! - rankY[b]!,
  );
  const pairs = (n * (n - 1)) / 2;
  let tiesX = 0;
  let tiesBoth = 0;
  for (let i = 1, runX = 0, runBoth = 0; i < n; i++) {
    const a = order[i - 1]!;
    const b = order[i]!;
    runX = rankX[a] === rankX[b] ? runX + 1 : 0;
    runBoth = runX > 0 && rankY[a] === rankY[b] ? runBoth + 1 : 0;
    tiesX += runX;
    tiesBoth += runBoth;
  }
  const ordered = Float64Array.from(order, (index) => rankY[index]!);
  const discordant = sortCountingInversions(ordered);
  let tiesY = 0;
  for (let i = 1, run = 0; i < n; i++) {
    run = ordered[i - 1] === ordered[i] ? run + 1 : 0;
    tiesY += run;
  }
  if (tiesX === pairs || tiesY === pairs) return Number.NaN;
  const concordant = pairs - tiesX - tiesY + tiesBoth - discordant;
  return clamp((concordant - discordant) / Math.sqrt((pairs - tiesX) * (pairs - tiesY)));
}

/** Sorts `values` in place by merging and returns how many pairs stood strictly the wrong way round. */
export function sortCountingInversions(values: Float64Array): number {
  let inversions = 0;
  let source = values;
  let target: Float64Array = new Float64Array(values.length);
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length);
      const end = Math.min(start + 2 * width, values.length);
      let left = start;
      let right = middle;
      for (let position = start; position < end; position++) {
        if (left < middle && (right >= end || source[left]! <= source[right]!)) {
          target[position] = source[left++]!;
        } else {
          inversions += middle - left;
          target[position] = source[right++]!;
        }
      }
    }
    [source, target] = [target, source];
  }
  if (source !== values) values.set(source);
  return inversions;
}

function meanOf(values: Numbers, where: string): number {
  let sum = 0;
  let constant = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) throw new DataError(`${where}[${i}]`, `is ${value}, not a finite number`);
    sum += value;
    constant &&= value === values[0];
  }
  // The mean of equal values need not round to that value; returning it keeps "constant" exactly detectable.
  return constant ? (values[0] ?? 0) : sum / values.length;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(-1, value));
}
