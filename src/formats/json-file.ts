/** Small JSON files (manifest, config.json, shard index): read with a size limit, decoded strictly, errors by file name. */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';

/** A whole text file as UTF-8 (a byte-order mark is dropped). @throws FormatError when it is longer than the limit or not UTF-8. */
export async function readTextFile(source: ByteSource, maxBytes: number, signal?: AbortSignal): Promise<string> {
  if (source.size > maxBytes)
    throw new FormatError('unsupported', source.name, `is ${source.size} bytes long, the limit is ${maxBytes}.`);
  const bytes = await source.read(0, source.size, signal);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError('malformed', source.name, 'is not valid UTF-8.');
  }
}

/** A whole JSON file. @throws FormatError as `readTextFile`, or `malformed` with the parser's position. */
export async function readJsonFile(source: ByteSource, maxBytes: number, signal?: AbortSignal): Promise<unknown> {
  const text = await readTextFile(source, maxBytes, signal);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('malformed', source.name, `is not valid JSON: ${reason}.`);
  }
}

/** True for a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
