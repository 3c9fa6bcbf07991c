/** Length of a text in Unicode code points: what Python's `len` says, so that length baselines agree across languages. */
export function codePoints(text: string): number {
  let count = text.length;
  // Each surrogate pair is one code point written as two units.
  for (let i = 0; i < text.length; i++) if (text.codePointAt(i)! > 0xffff) count -= 1;
  return count;
}
