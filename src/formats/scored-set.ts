/**
 * Scored sets as files: reads `npm run score`'s JSONL and our own exports (JSONL, CSV, Parquet), whichever it is, and writes
 * them. What a set is: `src/core/scored-set.ts`. JSONL and Parquet bring every f64 back to the bit.
 */
import type { ScoredSet } from '@/core/scored-set.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isJsonObject } from './json-file.ts';
import { readLines } from './jsonl.ts';
import { isParquet, openParquet } from './parquet-file.ts';
import { HEADER_KEY } from './scored-header.ts';
import { readScoredLines, scoredSetAsJsonLines } from './scored-lines.ts';
import type { ReadScoredSet } from './scored-lines.ts';
import type { ScoredSetOptions } from './scored-rows.ts';
import { readScoredCsv, readScoredParquet, scoredSetAsCsv, scoredSetAsParquet } from './scored-table.ts';

export type ScoredFormat = 'jsonl' | 'csv' | 'parquet';

/** Enough of a file to see its first line. */
const sampleBytes = 1024 * 1024;

/** Which kind of scored file this is; undefined for a file without scores (a dataset, anything else). */
export async function scoredFormatOf(source: ByteSource, signal?: AbortSignal): Promise<ScoredFormat | undefined> {
  if (await isParquet(source, signal)) {
    const { columns, metadata } = await openParquet(source, signal);
    return metadata.has(HEADER_KEY) || columns.some((name) => name.startsWith('reward.')) ? 'parquet' : undefined;
  }
  const sample = await source.read(0, Math.min(sampleBytes, source.size), signal);
  for await (const line of readLines([sample])) {
    if (!('text' in line)) return undefined;
    if (/(?:^|[,"\t;])reward\./.test(line.text) && !line.text.startsWith('{')) return 'csv';
    const value = parsed(line.text);
    if (!isJsonObject(value)) return undefined;
    const { chosen } = value;
    const scored = HEADER_KEY in value || hasScore(value) || (isJsonObject(chosen) && hasScore(chosen));
    // A first line that could not be scored says nothing; the next may.
    if (!scored && typeof value['error'] === 'string') continue;
    return scored ? 'jsonl' : undefined;
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function hasScore(value: Readonly<Record<string, unknown>>): boolean {
  return typeof value['score'] === 'number' && Array.isArray(value['rewards']);
}

/**
 * Reads a scored file.
 * @throws FormatError where it is not one, or no row of it could be used; rows that could not are in `rejected`.
 */
export async function readScoredSet(
  source: ByteSource,
  options: ScoredSetOptions = {},
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (rows: number) => void } = {},
): Promise<ReadScoredSet> {
  const format = await scoredFormatOf(source, signal);
  if (format === undefined)
    throw new FormatError(
      'unsupported',
      source.name,
      'is not a file of scores.',
      'Give what `npm run score` wrote, or an export of this program.',
    );
  const read = { jsonl: readScoredLines, csv: readScoredCsv, parquet: readScoredParquet }[format];
  return read(source, options, {
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

const piece = 1024 * 1024;

/** The set as bytes, in pieces of about a megabyte. */
export function* writeScoredSet(set: ScoredSet, format: ScoredFormat): Generator<Uint8Array<ArrayBuffer>> {
  if (format === 'parquet') {
    yield scoredSetAsParquet(set);
    return;
  }
  const encoder = new TextEncoder();
  let text = '';
  for (const line of format === 'jsonl' ? scoredSetAsJsonLines(set) : scoredSetAsCsv(set)) {
    text += line;
    if (text.length < piece) continue;
    yield encoder.encode(text);
    text = '';
  }
  if (text !== '') yield encoder.encode(text);
}
