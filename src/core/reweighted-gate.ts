/**
 * The steered softmax by factors: e^((l_j + δ_j) / τ) is e^(l_j / τ) · e^(δ_j / τ), whose first part belongs to the prompt and the
 * second to the slider. With the first parts kept, a move over a whole set takes k exponentials instead of k a prompt. A single
 * response goes through the same functions, so that its weights have the same bits.
 */

/** Below this sum of products, parts that underflowed might count: the softmax is then computed plainly. */
const SMALLEST_SUM = 1e-150;

/**
 * Writes l_j − max l for the k entries from `start`, max over `active`; −Infinity for the others, whose exponential is 0.
 * @param logits l, finite. @param below ≤ 0, at least one of the active is 0.
 * @returns the least of what was written.
 */
export function writeBelowLargest(
  active: readonly number[],
  logits: Float64Array,
  k: number,
  below: Float64Array,
  start = 0,
): number {
  let largest = -Infinity;
  for (const j of active) largest = Math.max(largest, logits[start + j]!);
  below.fill(-Infinity, start, start + k);
  let least = 0;
  for (const j of active) {
    const value = logits[start + j]! - largest;
    below[start + j] = value;
    least = Math.min(least, value);
  }
  return active.length < k ? -Infinity : least;
}

/**
 * e^(δ_j / τ) over the objectives that sound, divided by the largest of them so that none overflows; 0 for the silent.
 * All 1 without shifts or silence. @returns new f64 `[k]`.
 */
export function gateFactors(
  k: number,
  sounding: readonly number[],
  shifts: Readonly<Record<number, number>>,
  temperature: number,
): Float64Array {
  const factors = new Float64Array(k);
  let largest = -Infinity;
  for (const j of sounding) largest = Math.max(largest, shifts[j] ?? 0);
  for (const j of sounding) factors[j] = Math.exp(((shifts[j] ?? 0) - largest) / temperature);
  return factors;
}

/**
 * g = logitScale · e∘w / Σ e∘w for the k entries from `start`.
 * @param exponentials e, 0 where the gate's own mask is; `weights` itself may be it. @param factors w `[k]`, at least one above 0.
 * @returns false, with `weights` not to be used, where what sounds is too faint beside what does not: use `writeGateWeights`.
 */
export function writeReweightedGate(
  logitScale: number,
  exponentials: Float64Array,
  factors: Float64Array,
  weights: Float64Array,
  start = 0,
): boolean {
  const k = factors.length;
  let sum = 0;
  for (let j = 0; j < k; j++) {
    const product = exponentials[start + j]! * factors[j]!;
    weights[start + j] = product;
    sum += product;
  }
  if (!(sum >= SMALLEST_SUM)) return false;
  // + 0: a silent objective has weight 0 also where logitScale is negative, never −0.
  for (let j = 0; j < k; j++) weights[start + j] = (weights[start + j]! / sum) * logitScale + 0;
  return true;
}
