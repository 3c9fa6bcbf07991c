import { describe, expect, test } from 'vitest';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from './half.ts';

const every16 = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);
const fromBits = (bits: ArrayLike<number>) => new Float32Array(Uint32Array.from(bits).buffer);

/** The definition of binary16 (IEEE 754-2019 table 3.5), in f64. */
function f16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = (half & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

/** Nearest of the finite values and infinity-as-2^16, ties to the even pattern, by bisection: independent of bit tricks. */
function nearest(x: number, valueOf: (pattern: number) => number, infinity: number, overflow: number): number {
  const sign = Object.is(x, -0) || x < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  const at = (pattern: number) => (pattern === infinity ? overflow : valueOf(pattern));
  let low = 0;
  let high = infinity;
  if (magnitude >= overflow) return sign | infinity;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - at(low);
  const above = at(high) - magnitude;
  if (below === above) return sign | (low % 2 === 0 ? low : high);
  return sign | (below < above ? low : high);
}

/** f32 inputs around every boundary of a 16-bit format: each value, each midpoint, and their f32 neighbours. */
function boundaries(finitePatterns: number, valueOf: (pattern: number) => number): Float32Array {
  const inputs: number[] = [];
  for (let pattern = 0; pattern < finitePatterns; pattern++) {
    const value = valueOf(pattern);
    const next = pattern + 1 === finitePatterns ? value + (value - valueOf(pattern - 1)) : valueOf(pattern + 1);
    for (const centre of [value, (value + next) / 2]) {
      const bits = bitsOf(Float32Array.of(centre))[0]!;
      for (const neighbour of [bits - 1, bits, bits + 1]) if (neighbour >= 0) inputs.push(neighbour);
    }
  }
  const positive = fromBits(inputs);
  return Float32Array.from([...positive, ...positive.map((v) => -v), 1e-45, 3.4e38, -3.4e38]);
}

describe('f16', () => {
  test('widens all 65,536 patterns to their defined value', () => {
    const wide = f16ToF32(every16);
    const wrong = every16.filter((half) => !Object.is(wide[half], f16Value(half)));
    expect([...wrong]).toEqual([]);
  });

  test('comes back from f32 unchanged, NaN as a quiet NaN with its payload', () => {
    const back = f32ToF16(f16ToF32(every16));
    const wrong = every16.filter((half) => back[half] !== (Number.isNaN(f16Value(half)) ? half | 0x200 : half));
    expect([...wrong]).toEqual([]);
  });

  test('rounds to nearest, ties to even, at every boundary', () => {
    const inputs = boundaries(0x7c00, f16Value);
    const rounded = f32ToF16(inputs);
    const wrong = inputs.filter((x, i) => rounded[i] !== nearest(x, f16Value, 0x7c00, 65_536));
    expect(inputs.length).toBeGreaterThan(300_000);
    expect([...wrong]).toEqual([]);
  });

  test('infinities and NaN', () => {
    expect([...f32ToF16(Float32Array.of(Infinity, -Infinity, 65_519.996, 65_520, -0))]).toEqual([
      0x7c00, 0xfc00, 0x7bff, 0x7c00, 0x8000,
    ]);
    expect(f32ToF16(fromBits([0x7f80_0001]))[0]).toBe(0x7e00);
  });
});

describe('bf16', () => {
  const bf16Values = fromBits(Array.from(every16, (pattern) => pattern << 16));
  const bf16Value = (pattern: number) => bf16Values[pattern]!;

  test('widens by appending zeros: NaN payloads included', () => {
    const bits = bitsOf(bf16ToF32(every16));
    expect(bits.every((value, i) => value === (i << 16) >>> 0)).toBe(true);
    expect(bf16ToF32(Uint16Array.of(0x3f80, 0xc040, 0x0001))).toEqual(Float32Array.of(1, -3, 2 ** -133));
  });

  test('rounds to nearest, ties to even, at every boundary', () => {
    const inputs = boundaries(0x7f80, bf16Value);
    const rounded = f32ToBf16(inputs);
    const wrong = inputs.filter((x, i) => rounded[i] !== nearest(x, bf16Value, 0x7f80, 2 ** 128));
    expect(inputs.length).toBeGreaterThan(300_000);
    expect([...wrong]).toEqual([]);
  });

  test('keeps NaN a NaN even where its payload is cut off', () => {
    const patterns = f32ToBf16(fromBits([0x7f80_0001, 0xffff_ffff]));
    expect([...bf16ToF32(patterns)].every(Number.isNaN)).toBe(true);
  });
});

test('a target is filled in place, honours offsets, and must fit', () => {
  const buffer = new Float32Array(4);
  expect(bf16ToF32(Uint16Array.of(0x3f80, 0x4000), buffer.subarray(1, 3)).buffer).toBe(buffer.buffer);
  expect([...buffer]).toEqual([0, 1, 2, 0]);
  const narrow = new Uint16Array(2);
  expect(f32ToF16(buffer.subarray(1, 3), narrow)).toBe(narrow);
  expect([...narrow]).toEqual([0x3c00, 0x4000]);
  expect(() => f16ToF32(new Uint16Array(3), buffer)).toThrow(/4 entries, 3/);
  expect(() => f32ToBf16(buffer, narrow)).toThrow(/differ in length/);
});
