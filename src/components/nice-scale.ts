/** Round scales and their ticks, for every chart. Pure. */

export interface NiceScale {
  readonly low: number;
  readonly high: number;
  /** Round, ascending, the first is `low` and the last is `high`. */
  readonly ticks: readonly number[];
}

/** Below this share of the largest value, ticks could not be told apart in double precision. */
const SMALLEST_SPAN = 1e-12;

/**
 * A round scale that holds every finite value, with about `steps` steps between its ticks.
 * `zero` makes it hold zero as well, which bars need and scatters do not.
 */
export function niceScale(values: readonly number[], steps = 4, zero = true): NiceScale {
  let low = zero ? 0 : Number.POSITIVE_INFINITY;
  let high = zero ? 0 : Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 1];
  if (high - low <= SMALLEST_SPAN * Math.max(1, Math.abs(low), Math.abs(high))) {
    const room = zero ? 1 : Math.max(1, Math.abs(low)) / 2;
    if (!zero || low < 0) low -= room;
    if (!zero || low >= 0) high += room;
  }
  const rough = (high - low) / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Multiplied, not added up, so that 0.3 does not become 0.30000000000000004 tick by tick.
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
  return { low: ticks[0] ?? 0, high: ticks.at(-1) ?? 1, ticks };
}

/** `value` of `[low, high]` in `[from, to]`, not clamped. */
export function position(value: number, low: number, high: number, from: number, to: number): number {
  return from + ((value - low) / (high - low)) * (to - from);
}
