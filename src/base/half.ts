/**
 * Half-precision storage: IEEE binary16 (`f16`) and bfloat16 (`bf16`), as raw bits in `Uint16Array`, to and from f32.
 *
 * Up is exact for every pattern, subnormals, signed zeros, infinities and NaN payloads included. Down rounds to the nearest,
 * ties to even (IEEE 754 §4.3.1), overflows to infinity and keeps NaN a (quiet) NaN: what PyTorch and NumPy do.
 */
import { assert } from './assert.ts';

let f16Table: Uint32Array | undefined;

/** f32 bits of all 65,536 binary16 patterns (256 KiB, built once): a look-up is faster than branching on the exponent. */
function f16Bits(): Uint32Array {
  if (f16Table !== undefined) return f16Table;
  const table = new Uint32Array(65_536);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let half = 0; half < 65_536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 0) {
      value[0] = mantissa * 2 ** -24; // subnormal: exact in f32
      table[half] = sign | bits[0]!;
    } else {
      // Rebias 15 → 127; all ones (infinity, NaN) stays all ones.
      const rebiased = exponent === 0x1f ? 0xff : exponent + 112;
      table[half] = sign | (rebiased << 23) | (mantissa << 13);
    }
  }
  f16Table = table;
  return table;
}

/**
 * The f32 value of every binary16 pattern `[65,536]`, not to be changed: for arithmetic on halves that are not widened first. The result
 * of arithmetic on a NaN may be another NaN.
 */
export function f16Values(): Float32Array {
  return new Float32Array(f16Bits().buffer);
}

/**
 * Widens binary16 bits `[n]` to f32 `[n]`, exactly.
 * @param target written and returned; made when absent.
 * @throws AssertionError when `target` has another length.
 */
export function f16ToF32(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  const bits = bitsOf(target, source.length);
  const table = f16Bits();
  for (let i = 0; i < bits.length; i++) bits[i] = table[source[i]!]!;
  return target;
}

/**
 * Widens bfloat16 bits `[n]` to f32 `[n]`, exactly.
 * @param target written and returned; made when absent.
 * @throws AssertionError when `target` has another length.
 */
export function bf16ToF32(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  const bits = bitsOf(target, source.length);
  for (let i = 0; i < bits.length; i++) bits[i] = source[i]! << 16;
  return target;
}

/**
 * Rounds f32 `[n]` to binary16 bits `[n]`, nearest-even; 65,520 and more become infinity.
 * @param target written and returned; made when absent.
 * @throws AssertionError when `target` has another length.
 */
export function f32ToF16(source: Float32Array, target = new Uint16Array(source.length)): Uint16Array {
  assert(target.length === source.length, 'source and target differ in length');
  const bits = bitsOf(source, source.length);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    const sign = (value >>> 16) & 0x8000;
    const magnitude = value & 0x7fff_ffff;
    if (magnitude >= 0x3880_0000) {
      // 2⁻¹⁴ and up. NaN keeps its top payload bits; from 65,520 the value rounds to infinity.
      if (magnitude > 0x7f80_0000) target[i] = sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
      else if (magnitude >= 0x477f_f000) target[i] = sign | 0x7c00;
      else target[i] = sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else if (magnitude <= 0x3300_0000) {
      target[i] = sign; // up to 2⁻²⁵, half the smallest subnormal: ties to even, so zero
    } else {
      const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
      const shift = 126 - (magnitude >>> 23); // 14…24: in units of 2⁻²⁴
      const quotient = mantissa >>> shift;
      const remainder = mantissa & ((1 << shift) - 1);
      const half = 1 << (shift - 1);
      const up = remainder > half || (remainder === half && (quotient & 1) === 1);
      target[i] = sign | (quotient + (up ? 1 : 0));
    }
  }
  return target;
}

/**
 * Rounds f32 `[n]` to bfloat16 bits `[n]`, nearest-even.
 * @param target written and returned; made when absent.
 * @throws AssertionError when `target` has another length.
 */
export function f32ToBf16(source: Float32Array, target = new Uint16Array(source.length)): Uint16Array {
  assert(target.length === source.length, 'source and target differ in length');
  const bits = bitsOf(source, source.length);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    const nan = (value & 0x7fff_ffff) > 0x7f80_0000;
    target[i] = nan ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return target;
}

function bitsOf(values: Float32Array, length: number): Uint32Array {
  assert(values.length === length, () => `target has ${values.length} entries, ${length} expected`);
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
