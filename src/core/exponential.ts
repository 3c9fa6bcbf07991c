/**
 * e^x for the exponents of a softmax, x ≤ 0: a table and a short series, which a compiler puts into the loop around it. `Math.exp` is a
 * call each, and a temperature that is moved over 100,000 responses asks for a million.
 *
 * x = r − n ln 2 / 64 with a whole n ≥ 0 and |r| ≤ ln 2 / 128, so e^x = 2^(−n/64) · e^r (Tang 1989, "Table-driven implementation of the
 * exponential function", ACM TOMS 15). Every softmax over gate logits uses it, one response or a whole set, so that they agree to the bit.
 */

const steps = 64;
const stepsPerUnit = steps / Math.LN2;
/** ln 2 / 64 in two parts, the first with so few digits that its products with n are exact (fdlibm's halves of ln 2). */
const stepHigh = 6.931_471_803_691_238_2e-1 / steps;
const stepLow = 1.908_214_929_270_587_7e-10 / steps;
/** Below, a softmax has next to nothing (e^−88 is 6e-39): left to `Math.exp`, so that the table stays small. */
const smallest = -88;
/** 2^(−n/64) for every n that is met. */
const powers = makePowers(Math.ceil(-smallest * stepsPerUnit) + 1);

/** e^x, within 1.1 units in the last place of a double; exactly 1 at 0. @param x ≤ 0; NaN gives NaN. */
export function exponentialOf(x: number): number {
  return x > smallest ? tabled(x) : Math.exp(x);
}

/** For x in (−88, 0]. */
function tabled(x: number): number {
  // The nearest whole number, as x is not positive.
  const n = (0.5 - x * stepsPerUnit) | 0;
  const r = x + n * stepHigh + n * stepLow;
  const power = powers[n]!;
  const square = r * r;
  return power + power * (r + square * (1 / 2) + square * r * (1 / 6 + r * (1 / 24) + square * (1 / 120)));
}

/**
 * Writes e^(x / divisor) of every x in `values`, ≤ 0, into `exponentials`: the bits of `exponentialOf`.
 * @param least the least of `values`: where all are in the table's range, the loop has no call in it and takes two thirds of the time.
 */
export function writeExponentials(
  values: Float64Array,
  least: number,
  divisor: number,
  exponentials: Float64Array,
): void {
  if (least / divisor > smallest)
    for (let i = 0; i < values.length; i++) exponentials[i] = tabled(values[i]! / divisor);
  else for (let i = 0; i < values.length; i++) exponentials[i] = exponentialOf(values[i]! / divisor);
}

/** Each the nearest double: from whole numbers of 120 bits, since powers of a fraction differ from engine to engine. */
function makePowers(count: number): Float64Array {
  const bits = 120n;
  const one = 1n << bits;
  // Six square roots of 2 are its 64th.
  let root = 2n * one;
  for (let roots = 1; roots < steps; roots *= 2) root = squareRoot(root * one);
  const values = new Float64Array(count);
  // 2^(j/64) for j = 0 … 63; halving a double is exact.
  for (let j = 0, power = one; j < steps; j++, power = (power * root) >> bits)
    for (let n = (steps - j) % steps, halvings = j === 0 ? 0 : 1; n < count; n += steps, halvings++)
      values[n] = Number(power >> (bits - 64n)) / 2 ** (64 + halvings);
  return values;
}

/** The whole part of √n, by Newton's rule from above. */
function squareRoot(n: bigint): bigint {
  let root = n;
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
