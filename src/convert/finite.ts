/** NaN and infinities in weights spread to every score, so a checkpoint that holds one is refused. */
import { FormatError } from '@/formats/errors.ts';

/** @throws FormatError `malformed` naming `where` and the element. */
export function requireFinite(values: Float32Array, where: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new FormatError('malformed', where, `holds ${values[bad]} (element ${bad} of the part that was read).`);
}
