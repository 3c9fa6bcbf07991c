/**
 * Streaming reader of line-separated JSON: bytes in, lines out, with memory bounded by the longest line allowed. A bad line
 * (too long, not UTF-8) is an item of its own with its number, so that the rest go on.
 */
import type { ByteSource } from './byte-source.ts';

/** A line's bytes beyond this are dropped and the line is reported. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = '\ufeff';

/** One line that is not blank; `line` counts from 1, blank lines included. */
export type TextLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly error: string };

/** The bytes of a source in order. @throws FormatError, AbortError as the source does. */
export async function* readChunks(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.size; offset += CHUNK_BYTES)
    yield await source.read(offset, Math.min(CHUNK_BYTES, source.size - offset), signal);
}

/**
 * Splits UTF-8 bytes into lines. LF and CRLF end a line, the last may lack one; a byte-order mark at the start is dropped;
 * blank lines are counted and left out.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxLineBytes = MAX_LINE_BYTES }: { maxLineBytes?: number } = {},
): AsyncGenerator<TextLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let line = 0;
  let parts: Uint8Array[] = [];
  let length = 0;
  const flush = (): TextLine | undefined => {
    line += 1;
    const bytes = length > maxLineBytes ? undefined : joined(parts, length);
    const tooLong = length;
    parts = [];
    length = 0;
    if (bytes === undefined) return { line, error: `the line is ${tooLong} bytes long, the limit is ${maxLineBytes}.` };
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      return { line, error: 'the line is not valid UTF-8.' };
    }
    if (line === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    if (text.endsWith('\r')) text = text.slice(0, -1);
    return text.trim() === '' ? undefined : { line, text };
  };
  for await (const chunk of chunks) {
    let begin = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, begin);
      const piece = chunk.subarray(begin, end < 0 ? chunk.length : end);
      length += piece.length;
      // Beyond the limit only the length is still counted.
      if (length <= maxLineBytes) {
        if (piece.length > 0) parts.push(end < 0 ? new Uint8Array(piece) : piece);
      } else parts = [];
      if (end < 0) break;
      begin = end + 1;
      const item = flush();
      if (item !== undefined) yield item;
    }
  }
  if (length > 0) {
    const item = flush();
    if (item !== undefined) yield item;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
