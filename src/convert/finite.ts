/** NaN and infinities in weights spread to every score, so a checkpoint that holds one is refused. */
import { FormatError } from '@/formats/errors.ts';

/** @throws FormatError `malformed` naming `where` and the element. */
export function requireFinite(values: Float32Array, where: string): void {
  // A sum of zeros unless something is not finite: one cheap pass over millions of numbers.
  let zeros = 0;
  for (let i = 0; i < values.length; i++) zeros += values[i]! * 0;
  if (zeros === 0) return;
  const bad = values.findIndex((value) => !Number.isFinite(value));
  throw new FormatError('malformed', where, `holds ${values[bad]} (element ${bad} of the part read).`);
}
