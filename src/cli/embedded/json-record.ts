/** JSON objects of unknown content, read without trusting them. */
import { FormatError } from '@/formats/errors.ts';

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isJsonRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws FormatError naming `where` unless `value` is a JSON object. */
export function jsonRecord(value: unknown, where: string): JsonRecord {
  if (!isJsonRecord(value)) throw new FormatError('malformed', where, 'a JSON object was expected.');
  return value;
}

/** @throws FormatError naming `where` unless `text` is a JSON object. */
export function parseJsonRecord(text: string, where: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError('malformed', where, 'not JSON.');
  }
  return jsonRecord(value, where);
}
