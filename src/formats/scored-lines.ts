/**
 * A scored set as JSON lines: our own export (a header line, then one line a response), and what `npm run score` writes
 * (a response or a pair a line).
 *
 * Lines of `npm run score` say no group: consecutive response lines are one group while their `group` or `prompt_id` is the
 * same, or, without either, while their gate weights are equal to the bit (the gate reads the prompt alone).
 */
import { recoverTransform } from '@/core/recover-transform.ts';
import { nameAt, rowRoles } from '@/core/scored-set.ts';
import type { ScoredRow, ScoredSet } from '@/core/scored-set.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isJsonObject } from './json-file.ts';
import { readChunks, readLines } from './jsonl.ts';
import type { TextLine } from './jsonl.ts';
import { RejectedRows, RowProblem } from './rejected-rows.ts';
import type { RejectedRow } from './rejected-rows.ts';
import { topLevelMembers } from './score-lines.ts';
import { exactNumber, exactNumbers, HEADER_KEY, parseScoredHeader, scoredHeaderText } from './scored-header.ts';
import { GroupAssembler, optionalInteger, optionalNumber, optionalText, scoredFields } from './scored-rows.ts';
import type { ScoredSetOptions } from './scored-rows.ts';

export interface ReadScoredSet {
  readonly set: ScoredSet;
  readonly rejected: readonly RejectedRow[];
}

/** Members that a scored response's line and a pair's line carry; the rest is kept as `extras`. */
const rowKeys: ReadonlySet<string> = new Set(
  (
    'group prompt_id id row role style subset section label responseTokens characters score rewards adjustedRewards ' +
    'gateWeights gateLogits coefficients tokens warnings chosen rejected margin messages response extra'
  ).split(' '),
);

/**
 * Reads a scored JSONL file. Rows that cannot be used are listed, never dropped.
 * @throws FormatError of the source, of a header that is wrong, or where no line could be used.
 */
export async function readScoredLines(
  source: ByteSource,
  options: ScoredSetOptions = {},
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (rows: number) => void } = {},
): Promise<ReadScoredSet> {
  const rejected = new RejectedRows();
  let groups = new GroupAssembler(options);
  let ownExport = false;
  let rows = 0;
  const adjusted = new AdjustedRows();
  for await (const item of readLines(readChunks(source, signal))) {
    rows += 1;
    if (rows % 1024 === 0) {
      signal?.throwIfAborted();
      onProgress?.(rows);
    }
    const text = 'text' in item ? item.text : '';
    try {
      const value = parseObject(item);
      const header = rows === 1 ? value[HEADER_KEY] : undefined;
      if (header !== undefined) {
        groups = new GroupAssembler({ ...options, ...parseScoredHeader(header, `${source.name}, line ${item.line}`) });
        ownExport = true;
      } else if (ownExport) addOwnLine(groups, value, text, item.line);
      else {
        addScoreLine(groups, value, text, item.line);
        adjusted.add(value);
      }
    } catch (problem) {
      if (!(problem instanceof RowProblem)) throw problem;
      rejected.add(item.line, problem.field, problem.message, text);
    }
  }
  const set = groups.finish();
  if (set === undefined) throw nothingUsable(source.name, rejected.rows);
  // Without the model, the transform is what takes the rewards to the adjusted ones.
  const transform = set.head === undefined ? adjusted.transform(set.objectives.length) : undefined;
  return { set: transform === undefined ? set : { ...set, head: { transform } }, rejected: rejected.rows };
}

/** Rewards and adjusted rewards of the first lines. */
class AdjustedRows {
  readonly #rewards: number[][] = [];
  readonly #adjusted: number[][] = [];

  add(value: Readonly<Record<string, unknown>>): void {
    if (this.#rewards.length >= adjustedRows) return;
    for (const scored of [value, value['chosen'], value['rejected']]) {
      if (!isJsonObject(scored)) continue;
      const { rewards, adjustedRewards } = scored;
      if (!isNumbers(rewards) || !isNumbers(adjustedRewards) || rewards.length !== adjustedRewards.length) continue;
      this.#rewards.push(rewards);
      this.#adjusted.push(adjustedRewards);
    }
  }

  transform(k: number): Float64Array | undefined {
    return this.#rewards.every((row) => row.length === k) ? recoverTransform(this.#rewards, this.#adjusted) : undefined;
  }
}

/** More than any number of objectives, so that agreement is no accident. */
const adjustedRows = 256;

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'number');
}

export function nothingUsable(name: string, rejected: readonly RejectedRow[]): FormatError {
  const [first] = rejected;
  return first === undefined
    ? new FormatError('malformed', name, 'has no rows.')
    : new FormatError(
        'malformed',
        `${name}, row ${first.row}${first.field === '' ? '' : `, ${first.field}`}`,
        `${first.reason} No other row could be used either (${rejected.length} in all).`,
      );
}

function parseObject(item: TextLine): Readonly<Record<string, unknown>> {
  if (!('text' in item)) throw new RowProblem('', item.error);
  let value: unknown;
  try {
    value = JSON.parse(item.text);
  } catch (cause) {
    throw new RowProblem('', `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
  if (!isJsonObject(value)) throw new RowProblem('', 'must be a JSON object.');
  return value;
}

function addOwnLine(
  groups: GroupAssembler,
  value: Readonly<Record<string, unknown>>,
  text: string,
  line: number,
): void {
  const row = scoredFields(value, '', groups.objectives);
  const group = optionalInteger(value['group'], 'group', 0);
  if (group === undefined) throw new RowProblem('group', 'is missing.');
  const members = topLevelMembers(text);
  const sourceRow = optionalInteger(value['row'], 'row', 0) ?? line;
  const id = optionalText(value['id'], 'id') ?? String(sourceRow);
  const extra = value['extra'];
  if (extra !== undefined && !isJsonObject(extra)) throw new RowProblem('extra', 'must be an object.');
  const messages = value['messages'] === undefined ? undefined : members.get('messages');
  groups.add(String(group), id, sourceRow, { ...row, extra: members.get('extra') ?? '' }, messages);
}

function addScoreLine(
  groups: GroupAssembler,
  value: Readonly<Record<string, unknown>>,
  text: string,
  line: number,
): void {
  if (value['score'] === undefined && typeof value['error'] === 'string')
    throw new RowProblem('', `was not scored: ${value['error']}`);
  const id = optionalText(value['id'], 'id') ?? String(line);
  const common = {
    subset: optionalText(value['subset'], 'subset'),
    section: optionalText(value['section'], 'section'),
    extra: extrasOf(topLevelMembers(text)),
  };
  const { chosen, rejected } = value;
  if (isJsonObject(chosen) && isJsonObject(rejected)) {
    const first = scoredFields(chosen, 'chosen', groups.objectives);
    const second = scoredFields(rejected, 'rejected', first.rewards.length);
    groups.flush();
    groups.add(`line ${line}`, id, line, { ...first, ...common, role: 'chosen' });
    groups.add(`line ${line}`, id, line, { ...second, ...common, role: 'rejected' });
    groups.flush();
    return;
  }
  if (value['score'] === undefined)
    throw new RowProblem('score', 'is missing: this is not a line that `npm run score` writes.');
  const row: ScoredRow = {
    ...scoredFields(value, '', groups.objectives),
    ...common,
    label: optionalNumber(value['label'], 'label'),
  };
  const named = optionalText(value['group'], 'group') ?? optionalText(value['prompt_id'], 'prompt_id');
  const key = named === undefined ? `gate ${exactNumbers(Array.from(row.gateWeights))}` : `group ${named}`;
  groups.add(key, id, line, row);
}

function extrasOf(members: Map<string, string>): string {
  const parts: string[] = [];
  for (const [key, value] of members) if (!rowKeys.has(key)) parts.push(`${JSON.stringify(key)}:${value}`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** The set as JSON lines, the header first. Every f64 reads back to the bit. */
export function* scoredSetAsJsonLines(set: ScoredSet): Generator<string> {
  yield `{${JSON.stringify(HEADER_KEY)}:${scoredHeaderText(set)}}\n`;
  for (let row = 0; row < set.rows; row++) yield `${rowAsJson(set, row)}\n`;
}

function rowAsJson(set: ScoredSet, row: number): string {
  const k = set.objectives.length;
  const group = set.groupOf[row]!;
  const prompt = set.promptOf[row]!;
  const parts = [`"group":${group}`, `"id":${JSON.stringify(set.ids[group])}`, `"row":${set.sourceRows[row]}`];
  const add = (key: string, text: string | undefined): void => {
    if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
  };
  const text = (value: string | undefined): string | undefined => (value === undefined ? value : JSON.stringify(value));
  const known = (value: number | undefined): string | undefined =>
    value === undefined || value < 0 ? undefined : String(value);
  const label = set.labels[row]!;
  const warnings = set.warnings.get(row);
  add('role', JSON.stringify(rowRoles[set.roles[row]!]));
  add('style', known(set.styles[row]));
  add('subset', text(nameAt(set.subsets, row)));
  add('section', text(nameAt(set.sections, row)));
  add('label', Number.isNaN(label) ? undefined : exactNumber(label));
  add('responseTokens', known(set.responseTokens[row]));
  add('characters', known(set.characters[row]));
  add('score', exactNumber(set.scores[row]!));
  add('rewards', exactNumbers(set.rewards.subarray(row * k, (row + 1) * k)));
  add('gateWeights', exactNumbers(set.gateWeights.subarray(prompt * k, (prompt + 1) * k)));
  if (set.gateLogits !== undefined)
    add('gateLogits', exactNumbers(set.gateLogits.subarray(prompt * k, (prompt + 1) * k)));
  if (warnings !== undefined) add('warnings', JSON.stringify(warnings));
  if (set.texts !== undefined) {
    if (row === set.groupStart[group] && set.texts.messages[group] !== '')
      add('messages', oneLine(set.texts.messages[group]!));
    add('response', JSON.stringify(set.texts.responses[row]));
  }
  if (set.extras[row] !== '') add('extra', oneLine(set.extras[row]!));
  return `{${parts.join(',')}}`;
}

/** JSON text on one line: a line break in valid JSON only ever stands between tokens. */
function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replaceAll(/[\r\n]+/g, ' ') : json;
}
