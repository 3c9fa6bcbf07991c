/**
 * Reads `ratings.jsonl.gz` and `preferences.jsonl.gz` (their DATASETS.md is the format's description) line by line and keeps
 * what may go into weights that are passed on: `license_class` "clean". Splits by prompt.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { FormatError } from '@/formats/errors.ts';
import { isJsonRecord, jsonRecord, parseJsonRecord } from './json-record.ts';
import type { JsonRecord } from './json-record.ts';
import { hashFraction } from './seeded.ts';

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export type Split = 'train' | 'dev' | 'test';

interface RecordBase {
  readonly id: string;
  readonly source: string;
  readonly licence: string;
  /** The conversation before the response; the last turn is the user's. */
  readonly prompt: readonly Turn[];
  /** Records of one key never lie on two sides of the split. */
  readonly splitKey: string;
}

export interface RatingRecord extends RecordBase {
  readonly response: string;
  /** Rating name → value in [0, 1] of its scale. */
  readonly ratings: ReadonlyMap<string, number>;
}

export interface PreferenceRecord extends RecordBase {
  readonly subset: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** Lower case, letters and digits only: near-repeats of a prompt share their side of the split. */
export function normalisePrompt(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** 70 % train, 15 % dev, 15 % test, by the hash of the key alone. */
export function splitOf(splitKey: string): Split {
  const at = hashFraction('armoscope-embedded-split', splitKey);
  return at < 0.7 ? 'train' : at < 0.85 ? 'dev' : 'test';
}

function text(record: JsonRecord, key: string, where: string): string {
  const value = record[key];
  if (typeof value !== 'string') throw new FormatError('malformed', where, `"${key}" must be a text.`);
  return value;
}

function turns(value: unknown, where: string): Turn[] {
  if (!Array.isArray(value)) throw new FormatError('malformed', where, '"messages" must be a list.');
  return value.map((item: unknown) => {
    const message = jsonRecord(item, where);
    const role = message['role'];
    if (role !== 'system' && role !== 'user' && role !== 'assistant')
      throw new FormatError('malformed', where, `unknown role ${JSON.stringify(role)}.`);
    return { role, content: text(message, 'content', where) };
  });
}

/** Calls `take` with every parsed line whose `license_class` is "clean", in file order. */
async function eachCleanLine(path: string, take: (record: JsonRecord, where: string) => void): Promise<number> {
  let number = 0;
  let left = 0;
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()), crlfDelay: Infinity });
  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    const where = `${path}:${number}`;
    const record = parseJsonRecord(line, where);
    if (record['license_class'] === 'clean') take(record, where);
    else left += 1;
  }
  return left;
}

/** What decides the split of a record: the goal it was made for, else the first thing the user says. */
export function splitKeyOf(record: JsonRecord, prompt: readonly Turn[]): string {
  const { meta } = record;
  const goal = isJsonRecord(meta) ? meta['goal'] : undefined;
  if (typeof goal === 'string') return normalisePrompt(goal);
  return normalisePrompt(prompt.find((turn) => turn.role === 'user')?.content ?? '');
}

/** Reads the clean rated responses; values are brought to [0, 1] of the scale stated beside them. */
export async function readRatings(
  path: string,
): Promise<{ readonly records: RatingRecord[]; readonly leftOut: number }> {
  const records: RatingRecord[] = [];
  const leftOut = await eachCleanLine(path, (record, where) => {
    const messages = turns(record['messages'], where);
    const last = messages.at(-1);
    if (last?.role !== 'assistant')
      throw new FormatError('malformed', where, 'the last message is not the assistant’s.');
    const scales = jsonRecord(record['scale'], where);
    const ratings = new Map<string, number>();
    for (const [name, value] of Object.entries(jsonRecord(record['ratings'], where))) {
      const { min, max } = jsonRecord(scales[name], `${where}: scale of "${name}"`);
      if (typeof value !== 'number' || typeof min !== 'number' || typeof max !== 'number')
        throw new FormatError('malformed', where, `rating "${name}" and its scale must be numbers.`);
      ratings.set(name, (value - min) / (max - min));
    }
    const prompt = messages.slice(0, -1);
    records.push({
      id: text(record, 'id', where),
      source: text(record, 'source', where),
      licence: text(record, 'license', where),
      prompt,
      splitKey: splitKeyOf(record, prompt),
      response: last.content,
      ratings,
    });
  });
  return { records, leftOut };
}

/** Reads the clean preference pairs. */
export async function readPreferences(
  path: string,
): Promise<{ readonly records: PreferenceRecord[]; readonly leftOut: number }> {
  const records: PreferenceRecord[] = [];
  const leftOut = await eachCleanLine(path, (record, where) => {
    const prompt: Turn[] =
      record['messages'] === undefined
        ? [{ role: 'user', content: text(record, 'prompt', where) }]
        : turns(record['messages'], where);
    records.push({
      id: text(record, 'id', where),
      source: text(record, 'source', where),
      licence: text(record, 'license', where),
      prompt,
      splitKey: splitKeyOf(record, prompt),
      subset: text(record, 'subset', where),
      chosen: text(record, 'chosen', where),
      rejected: text(record, 'rejected', where),
    });
  });
  return { records, leftOut };
}
