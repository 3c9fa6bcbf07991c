/**
 * Streaming reader of a JSON array: bytes in, the text of each element out, with memory bounded by the longest element. Every
 * character that gives JSON its structure is ASCII, so the bytes are split without decoding them.
 */
import { MAX_LINE_BYTES } from '../jsonl.ts';

/** One element's JSON text (not yet parsed), or why it could not be had. `element` counts from 1. */
export type ArrayElement =
  | { readonly element: number; readonly text: string }
  | { readonly element: number; readonly error: string };

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const open = [0x5b, 0x7b];
const close = [0x5d, 0x7d];
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/**
 * Splits the top-level array. Text that is not an array's ends in an element that says so, after those that were whole.
 */
export async function* readArrayElements(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<ArrayElement> {
  let state: 'before' | 'inside' | 'after' = 'before';
  let depth = 0;
  let quoted = false;
  let escaped = false;
  let element = 0;
  let parts: Uint8Array[] = [];
  let length = 0;
  const keep = (bytes: Uint8Array): void => {
    length += bytes.length;
    if (length > MAX_LINE_BYTES) parts = [];
    else if (bytes.length > 0) parts.push(new Uint8Array(bytes));
  };
  const take = (): ArrayElement => {
    element += 1;
    const [bytes, size] = [parts, length];
    parts = [];
    length = 0;
    if (size > MAX_LINE_BYTES) return { element, error: `is ${size} bytes long, the limit is ${MAX_LINE_BYTES}.` };
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of bytes) {
      whole.set(part, at);
      at += part.length;
    }
    try {
      return { element, text: new TextDecoder('utf-8', { fatal: true }).decode(whole).trim() };
    } catch {
      return { element, error: 'is not valid UTF-8.' };
    }
  };
  for await (const chunk of chunks) {
    let begin = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (quoted) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) quoted = false;
        continue;
      }
      if (state === 'before') {
        // A byte-order mark may stand before the array.
        if (isSpace(byte) || [0xef, 0xbb, 0xbf].includes(byte)) continue;
        if (byte !== open[0]) return;
        state = 'inside';
        begin = i + 1;
        continue;
      }
      if (state === 'after') {
        if (isSpace(byte)) continue;
        yield { element: element + 1, error: 'something follows the end of the array.' };
        return;
      }
      if (byte === quote) quoted = true;
      else if (open.includes(byte)) depth += 1;
      else if (depth > 0) {
        if (close.includes(byte)) depth -= 1;
      } else if (byte === comma || close.includes(byte)) {
        keep(chunk.subarray(begin, i));
        begin = i + 1;
        const ended = byte !== comma;
        const blank = length === 0 || parts.every((part) => part.every(isSpace));
        if (!(blank && ended && element === 0)) yield take();
        if (ended) state = 'after';
        parts = [];
        length = 0;
      }
    }
    if (state === 'inside') keep(chunk.subarray(begin));
  }
  if (state === 'inside') yield { element: element + 1, error: 'the array does not end.' };
}
