/**
 * The records of a dataset file, one after another: JSON lines, a JSON array (or an object that holds one), CSV, Parquet.
 * Memory is bounded by one record (Parquet: one row group), so a million rows stream.
 */
import type { ByteSource } from '../byte-source.ts';
import { readCsv } from '../csv-file.ts';
import { FormatError } from '../errors.ts';
import { isJsonObject, readJsonFile } from '../json-file.ts';
import { readChunks, readLines } from '../jsonl.ts';
import { isParquet, openParquet } from '../parquet-file.ts';
import type { DatasetRecord } from './dataset.ts';
import { readArrayElements } from './json-array.ts';

export type DatasetFormat = 'jsonl' | 'json-array' | 'json-object' | 'csv' | 'parquet';

/** A JSON object is read whole; more than this is asked for as JSON lines. */
const maxObjectBytes = 64 * 1024 * 1024;
const sampleBytes = 256 * 1024;
/** Where a JSON object that wraps a dataset keeps it. */
const arrayKeys = ['rows', 'data', 'examples', 'instances', 'items', 'records', 'train', 'test', 'validation'];

/** Which format the bytes are in, by what they begin with. @throws FormatError for an empty file. */
export async function datasetFormatOf(source: ByteSource, signal?: AbortSignal): Promise<DatasetFormat> {
  if (await isParquet(source, signal)) return 'parquet';
  const bytes = await source.read(0, Math.min(sampleBytes, source.size), signal);
  const text = new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes).trimStart();
  if (text === '') throw new FormatError('malformed', source.name, 'is empty.');
  if (text.startsWith('[')) return 'json-array';
  if (!text.startsWith('{')) return 'csv';
  const line = text.split('\n', 1)[0] ?? '';
  // A first line that is whole, or so long that it cannot be seen whole, is a record of its own.
  if (line.length === text.length && source.size > bytes.length) return 'jsonl';
  const value = parseOrUndefined(line);
  if (value === undefined) return /^\{\s*$/.test(line) || !text.includes('\n{') ? 'json-object' : 'jsonl';
  const alone = isJsonObject(value) && text.slice(line.length).trim() === '';
  return alone && (arrayOf(value) ?? columnArrays(value)) !== undefined ? 'json-object' : 'jsonl';
}

/** The records in order. @throws FormatError of the source, or where the file as a whole cannot be read. */
export async function* readRecords(
  source: ByteSource,
  format: DatasetFormat,
  signal?: AbortSignal,
): AsyncGenerator<DatasetRecord> {
  if (format === 'parquet') yield* parquetRecords(source, signal);
  else if (format === 'csv') yield* csvRecords(source, signal);
  else if (format === 'json-object') yield* objectRecords(source, signal);
  else if (format === 'json-array') {
    for await (const item of readArrayElements(readChunks(source, signal)))
      yield 'text' in item ? parsed(item.element, item.text) : failed(item.element, item.error, '');
  } else {
    for await (const item of readLines(readChunks(source, signal)))
      yield 'text' in item ? parsed(item.line, item.text) : failed(item.line, item.error, '');
  }
}

function failed(row: number, error: string, text: string): DatasetRecord {
  return { row, error, text: () => text };
}

function parsed(row: number, text: string): DatasetRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return failed(row, `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`, text);
  }
  if (!isJsonObject(value)) return failed(row, 'must be a JSON object.', text);
  return { row, value, text: () => text };
}

async function* csvRecords(source: ByteSource, signal?: AbortSignal): AsyncGenerator<DatasetRecord> {
  for await (const record of readCsv(source, signal)) {
    if ('error' in record) yield failed(record.line, record.error, record.text);
    else yield { row: record.line, value: record.values, text: () => JSON.stringify(record.values) };
  }
}

async function* parquetRecords(source: ByteSource, signal?: AbortSignal): AsyncGenerator<DatasetRecord> {
  const file = await openParquet(source, signal);
  for await (const { first, rows } of file.batches(undefined, signal))
    for (const [i, value] of rows.entries()) yield { row: first + i, value, text: () => jsonOf(value) };
}

async function* objectRecords(source: ByteSource, signal?: AbortSignal): AsyncGenerator<DatasetRecord> {
  if (source.size > maxObjectBytes)
    throw new FormatError(
      'unsupported',
      source.name,
      `is one JSON object of ${source.size} bytes, the limit is ${maxObjectBytes}.`,
      'Save it as JSON lines or as a JSON array.',
    );
  const value = await readJsonFile(source, maxObjectBytes, signal);
  const rows = isJsonObject(value) ? arrayOf(value) : undefined;
  const columns = isJsonObject(value) ? columnArrays(value) : undefined;
  if (rows === undefined && columns === undefined) {
    // One record, written over several lines.
    yield isJsonObject(value)
      ? { row: 1, value, text: () => JSON.stringify(value) }
      : failed(1, 'must be a JSON object.', JSON.stringify(value));
    return;
  }
  for (const [i, entry] of (rows ?? rowsOf(columns ?? [])).entries()) {
    // The rows of a dataset viewer's answer are wrapped once more.
    const record = isJsonObject(entry) && isJsonObject(entry['row']) && 'row_idx' in entry ? entry['row'] : entry;
    if (isJsonObject(record)) yield { row: i + 1, value: record, text: () => JSON.stringify(record) };
    else yield failed(i + 1, 'must be a JSON object.', JSON.stringify(record));
  }
}

function arrayOf(value: Readonly<Record<string, unknown>>): readonly unknown[] | undefined {
  for (const key of arrayKeys) {
    const rows = value[key];
    if (Array.isArray(rows) && rows.some(isJsonObject)) return rows;
  }
  return undefined;
}

/** Columns of equal length, as pandas writes them with `orient="list"`. */
function columnArrays(value: Readonly<Record<string, unknown>>): [string, unknown[]][] | undefined {
  const columns = Object.entries(value);
  const length = Array.isArray(columns[0]?.[1]) ? columns[0][1].length : 0;
  const equal = columns.every(([, column]) => Array.isArray(column) && column.length === length);
  // A record may hold conversations of equal length, {"chosen": […], "rejected": […]}: those are no columns.
  const isTable = columns.length > 1 && length > 0 && equal && !columns.some(([, column]) => holdsMessages(column));
  return isTable ? columns.map(([name, column]) => [name, Array.isArray(column) ? column : []]) : undefined;
}

function holdsMessages(column: unknown): boolean {
  return Array.isArray(column) && column.some((entry) => isJsonObject(entry) && 'role' in entry);
}

function rowsOf(columns: readonly [string, unknown[]][]): readonly unknown[] {
  const rows = columns[0]?.[1] ?? [];
  return rows.map((_, i) => Object.fromEntries(columns.map(([name, column]) => [name, column[i]])));
}

/** JSON of values as Parquet has them: 64-bit integers keep their digits. */
export function jsonOf(value: unknown): string {
  return (
    JSON.stringify(value, (_, entry: unknown) => {
      if (typeof entry !== 'bigint') return entry;
      const number = Number(entry);
      return Number.isSafeInteger(number) ? number : String(entry);
    }) ?? 'null'
  );
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
