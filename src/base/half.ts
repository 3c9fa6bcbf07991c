/**
 * Half-precision numbers: IEEE 754 binary16 (F16) and bfloat16 (BF16) to f32 exactly, and f32 down to them by
 * round-to-nearest, ties to even. Pure bit arithmetic; NaN stays NaN, infinities and signed zeros are kept.
 */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** f32 value of binary16 bits (0…65535). Exact. */
export function float16BitsToFloat32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** binary16 bits of an f32 value, nearest even; beyond ±65520 is ±infinity. */
export function float32ToFloat16Bits(value: number): number {
  f32[0] = value;
  const bits = u32[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is halfway between the largest finite (65504, odd fraction) and the next step: it rounds to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: the value in units of 2^-24, which f64 holds exactly; rounding it to an integer is the conversion.
    return sign | roundHalfEven(Math.abs(f32[0]) * 2 ** 24);
  }
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** f32 value of bfloat16 bits (0…65535). Exact: they are the upper half of the f32. */
export function bfloat16BitsToFloat32(bits: number): number {
  u32[0] = bits << 16;
  return f32[0]!;
}

/** bfloat16 bits of an f32 value, nearest even. */
export function float32ToBfloat16Bits(value: number): number {
  f32[0] = value;
  const bits = u32[0]!;
  // A NaN whose payload sits in the dropped half would become infinity: force a quiet one.
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

let float16Table: Float32Array | undefined;

/** Widens binary16 bits [n] to f32 [n]. */
export function float16ToFloat32Array(halves: Uint16Array): Float32Array<ArrayBuffer> {
  float16Table ??= Float32Array.from({ length: 65536 }, (_, bits) => float16BitsToFloat32(bits));
  const table = float16Table;
  const result = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = table[halves[i]!]!;
  return result;
}

/** Widens bfloat16 bits [n] to f32 [n]. */
export function bfloat16ToFloat32Array(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const result = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = halves[i]! << 16;
  return new Float32Array(result.buffer);
}

/** Rounds f32 [n] to binary16 bits [n]. */
export function float32ToFloat16Array(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = float32ToFloat16Bits(values[i]!);
  return result;
}

/** Rounds f32 [n] to bfloat16 bits [n]. */
export function float32ToBfloat16Array(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = float32ToBfloat16Bits(values[i]!);
  return result;
}
