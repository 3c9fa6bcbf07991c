/** NaN and infinities in weights spread to every score, so a checkpoint that holds one is refused. */
import { FormatError } from '@/formats/errors.ts';

/**
 * max |v| of f32 values, 0 for none; NaN where there is one. In integers: without its sign, a float's bits order as its magnitude
 * does, and this runs over every weight of a checkpoint.
 */
export function largestMagnitude(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const largest = new Uint32Array(1);
  let most = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & 0x7fff_ffff;
    if (magnitude > most) most = magnitude;
  }
  largest[0] = most;
  return new Float32Array(largest.buffer)[0]!;
}

/** @returns the largest magnitude. @throws FormatError `malformed` naming `where` and the element. */
export function requireFinite(values: Float32Array, where: string): number {
  const largest = largestMagnitude(values);
  if (Number.isFinite(largest)) return largest;
  const element = values.findIndex((value) => !Number.isFinite(value));
  throw new FormatError('malformed', where, `holds ${values[element]} (element ${element} of the part that was read).`);
}
