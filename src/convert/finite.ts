/** NaN and infinities in weights spread to every score, so a checkpoint that holds one is refused. */
import { FormatError } from '@/formats/errors.ts';

/** @throws FormatError `malformed` naming `where` and the element. */
export function requireFinite(values: Float32Array, where: string): void {
  // A plain loop: this runs over every weight of the checkpoint, and a callback for each costs as much as rounding it.
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new FormatError('malformed', where, `holds ${values[i]} (element ${i} of the part that was read).`);
}
