/**
 * The pairs we wrote ourselves (`public/sample/written-pairs.jsonl`): each has an answer that any reader prefers. Never trained
 * on; read and judged only after everything was chosen.
 */
import { readFile } from 'node:fs/promises';
import { FormatError } from '@/formats/errors.ts';
import { parseJsonRecord } from './json-record.ts';
import type { Turn } from './records.ts';

export const WRITTEN_PAIRS_FILE = 'public/sample/written-pairs.jsonl';

export interface WrittenPair {
  readonly id: string;
  /** Theme. */
  readonly subset: string;
  readonly prompt: readonly Turn[];
  readonly chosen: string;
  readonly rejected: string;
}

/** Scores of one prompt's responses, in order. */
export type ScoreResponses = (prompt: readonly Turn[], responses: readonly string[]) => Promise<readonly number[]>;

export interface WrittenPairsResult {
  readonly pairs: number;
  readonly right: number;
  readonly accuracy: number;
  readonly bySubset: Readonly<Record<string, { readonly pairs: number; readonly right: number }>>;
  /** Ids of the pairs it got wrong, with the margin (chosen − rejected, ≤ 0). */
  readonly wrong: readonly { readonly id: string; readonly margin: number }[];
}

function isTurn(value: unknown): value is Turn {
  return (
    typeof value === 'object' &&
    value !== null &&
    'role' in value &&
    'content' in value &&
    typeof value.content === 'string' &&
    (value.role === 'system' || value.role === 'user' || value.role === 'assistant')
  );
}

function promptOf(value: unknown, where: string): readonly Turn[] {
  if (typeof value === 'string') return [{ role: 'user', content: value }];
  if (Array.isArray(value) && value.every((turn) => isTurn(turn))) return value;
  throw new FormatError('malformed', where, '"prompt" must be a text or a list of messages.');
}

/** Reads the file, in order. @throws FormatError naming the line. */
export async function readWrittenPairs(path: string): Promise<WrittenPair[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line, i) => {
    const where = `${path}:${i + 1}`;
    const record = parseJsonRecord(line, where);
    const text = (key: string): string => {
      const value = record[key];
      if (typeof value !== 'string') throw new FormatError('malformed', where, `"${key}" must be a text.`);
      return value;
    };
    return {
      id: text('id'),
      subset: text('subset'),
      prompt: promptOf(record['prompt'], where),
      chosen: text('chosen'),
      rejected: text('rejected'),
    };
  });
}

/** Judges every pair; a tie is wrong. */
export async function judgeWrittenPairs(
  pairs: readonly WrittenPair[],
  scoreResponses: ScoreResponses,
): Promise<WrittenPairsResult> {
  const wrong: { id: string; margin: number }[] = [];
  const bySubset: Record<string, { pairs: number; right: number }> = {};
  for (const { id, subset, prompt, chosen, rejected } of pairs) {
    const [better = Number.NaN, worse = Number.NaN] = await scoreResponses(prompt, [chosen, rejected]);
    const margin = better - worse;
    const count = (bySubset[subset] ??= { pairs: 0, right: 0 });
    count.pairs += 1;
    if (margin > 0) count.right += 1;
    else wrong.push({ id, margin });
  }
  const right = pairs.length - wrong.length;
  return { pairs: pairs.length, right, accuracy: right / pairs.length, bySubset, wrong };
}
