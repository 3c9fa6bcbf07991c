import { expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { exponentialOf, writeExponentials } from './exponential.ts';

const bits = 1300n;
const one = 1n << bits;

/** e^x · 2^bits for the exact value of a double x in (−700, 0]: the series at x / 1024, squared ten times. */
function exactExponential(x: number): bigint {
  // Doubles of this size are whole multiples of 2^−1074.
  let scaled = x;
  let taken = 0n;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    taken += 1n;
  }
  const reduced = (BigInt(scaled) << (bits - taken)) / 1024n;
  let sum = one;
  let term = one;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = (term * reduced) / (one * n);
    sum += term;
  }
  for (let squaring = 0; squaring < 10; squaring++) sum = (sum * sum) / one;
  return sum;
}

/** How far `value` is from e^x, in units of the last place of `value`. */
function errorInUnits(x: number, value: number): number {
  const exponent = Math.floor(Math.log2(value));
  const unit = one >> BigInt(52 - exponent);
  const shown = BigInt(value / 2 ** (exponent - 52)) * unit;
  const difference = shown - exactExponential(x);
  return Number((difference < 0n ? -difference : difference) >> (bits - 600n)) / Number(unit >> (bits - 600n));
}

test('it is within 1.1 units in the last place of e^x, as whole numbers of 1,300 bits have it', () => {
  const random = new SeededRandom(11);
  let worst = 0;
  for (let i = 0; i < 1500; i++) {
    const x = -(i % 3 === 0 ? random.uniform() * 88 : random.uniform() * 2 ** random.integer(7));
    worst = Math.max(worst, errorInUnits(x, exponentialOf(x)));
  }
  expect(worst).toBeLessThan(1.1);
  // The measure itself tells a neighbour from the nearest.
  expect(errorInUnits(-1, Math.exp(-1) * (1 + 2 ** -51))).toBeGreaterThan(1.2);
});

test('at its ends it is exact or what the engine says', () => {
  expect(exponentialOf(0)).toBe(1);
  expect(exponentialOf(-0)).toBe(1);
  expect(exponentialOf(-Number.MIN_VALUE)).toBe(1);
  expect(exponentialOf(Number.NaN)).toBeNaN();
  for (const x of [-88, -100, -745, -746, -1e300, -Infinity]) expect(exponentialOf(x)).toBe(Math.exp(x));
  // Just above the border both ways agree.
  expect(Math.abs(exponentialOf(-87.999) / Math.exp(-87.999) - 1)).toBeLessThan(4e-16);
});

test('many at once have the same bits, whether all are in the table’s range or not', () => {
  const random = new SeededRandom(12);
  for (const size of [10, 1000]) {
    const values = Float64Array.from({ length: 200 }, () => -random.uniform() * size);
    values[7] = 0;
    const written = new Float64Array(values.length);
    writeExponentials(values, Math.min(...values), 1.7, written);
    expect([...written]).toEqual(Array.from(values, (value) => exponentialOf(value / 1.7)));
  }
});
