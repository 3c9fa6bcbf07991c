/**
 * A scored set as a table, one row a response: the columns of its CSV and Parquet exports.
 *
 * `group, id, row, role, style, subset, section, label, responseTokens, characters, score`, then `reward.NAME`, `gate.NAME` and
 * `gateLogit.NAME` for each objective, then `warnings`, `messages`, `response` and `extra` as JSON or text where there are any.
 */
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import type { ColumnSource } from 'hyparquet-writer';
import { nameAt, rowRoles } from '@/core/scored-set.ts';
import type { NameColumn, ScoredSet } from '@/core/scored-set.ts';
import type { ByteSource } from './byte-source.ts';
import { csvCell, readCsv } from './csv-file.ts';
import { FormatError } from './errors.ts';
import { isJsonObject } from './json-file.ts';
import { openParquet } from './parquet-file.ts';
import { RejectedRows, RowProblem } from './rejected-rows.ts';
import { exactNumber, HEADER_KEY, parseScoredHeader, scoredHeaderText } from './scored-header.ts';
import { nothingUsable } from './scored-lines.ts';
import type { ReadScoredSet } from './scored-lines.ts';
import { GroupAssembler, optionalInteger, optionalText, scoredFields, shown } from './scored-rows.ts';
import type { ScoredSetOptions } from './scored-rows.ts';

const REWARD = 'reward.';
const GATE = 'gate.';
const LOGIT = 'gateLogit.';
const wholeColumns = ['group', 'row', 'style', 'responseTokens', 'characters'] as const;
const textColumns = ['id', 'role', 'subset', 'section', 'response'] as const;

interface Column {
  readonly name: string;
  readonly type: 'INT32' | 'DOUBLE' | 'STRING';
  /** Undefined where the row has no value. */
  readonly value: (row: number) => number | string | undefined;
}

/** The columns of a set; those that would be empty throughout are left out. */
function columnsOf(set: ScoredSet): Column[] {
  const k = set.objectives.length;
  const known = (values: Int32Array | Int8Array) => (row: number) => (values[row]! < 0 ? undefined : values[row]!);
  const named = (column: NameColumn) => (row: number) => nameAt(column, row);
  const json = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
  const ofPrompt = (prefix: string, values: Float64Array): Column[] =>
    set.objectives.map((name, j) => ({
      name: prefix + name,
      type: 'DOUBLE',
      value: (row) => values[set.promptOf[row]! * k + j]!,
    }));
  const { texts, gateLogits } = set;
  const columns: Column[] = [
    { name: 'group', type: 'INT32', value: (row) => set.groupOf[row]! },
    { name: 'id', type: 'STRING', value: (row) => set.ids[set.groupOf[row]!]! },
    { name: 'row', type: 'INT32', value: (row) => set.sourceRows[row]! },
    { name: 'role', type: 'STRING', value: (row) => rowRoles[set.roles[row]!]! },
    { name: 'style', type: 'INT32', value: known(set.styles) },
    { name: 'subset', type: 'STRING', value: named(set.subsets) },
    { name: 'section', type: 'STRING', value: named(set.sections) },
    { name: 'label', type: 'DOUBLE', value: (row) => (Number.isNaN(set.labels[row]!) ? undefined : set.labels[row]!) },
    { name: 'responseTokens', type: 'INT32', value: known(set.responseTokens) },
    { name: 'characters', type: 'INT32', value: known(set.characters) },
    { name: 'score', type: 'DOUBLE', value: (row) => set.scores[row]! },
    ...set.objectives.map((name, j): Column => ({
      name: REWARD + name,
      type: 'DOUBLE',
      value: (row) => set.rewards[row * k + j]!,
    })),
    ...ofPrompt(GATE, set.gateWeights),
    ...(gateLogits === undefined ? [] : ofPrompt(LOGIT, gateLogits)),
    {
      name: 'warnings',
      type: 'STRING',
      value: (row) => (set.warnings.has(row) ? JSON.stringify(set.warnings.get(row)) : undefined),
    },
    ...(texts === undefined
      ? []
      : ([
          {
            name: 'messages',
            type: 'STRING',
            value: (row) =>
              row === set.groupStart[set.groupOf[row]!] ? json(texts.messages[set.groupOf[row]!]) : undefined,
          },
          { name: 'response', type: 'STRING', value: (row) => texts.responses[row]! },
        ] satisfies Column[])),
    { name: 'extra', type: 'STRING', value: (row) => json(set.extras[row]) },
  ];
  return columns.filter(({ value }) => {
    for (let row = 0; row < set.rows; row++) if (value(row) !== undefined) return true;
    return false;
  });
}

/** The set as CSV text, line by line. Numbers read back to the bit; the model's id and transform have no place in it. */
export function* scoredSetAsCsv(set: ScoredSet): Generator<string> {
  const columns = columnsOf(set);
  yield `${columns.map(({ name }) => csvCell(name)).join(',')}\n`;
  for (let row = 0; row < set.rows; row++) {
    const cells = columns.map(({ value }) => {
      const cell = value(row);
      if (cell === undefined) return '';
      return typeof cell === 'number' ? exactNumber(cell) : csvCell(cell);
    });
    yield `${cells.join(',')}\n`;
  }
}

/** The set as a Parquet file (snappy); the header is in its metadata. Every f64 reads back to the bit. */
export function scoredSetAsParquet(set: ScoredSet): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const columnData = columnsOf(set).map(({ name, type, value }): ColumnSource => {
    const values = Array.from({ length: set.rows }, (_, row) => value(row) ?? null);
    // A dictionary is keyed by value, where −0 equals 0: plain pages keep the bits.
    const encoding = type === 'DOUBLE' ? ({ encoding: 'PLAIN' } as const) : {};
    return { name, type, data: values, nullable: values.includes(null), ...encoding };
  });
  void parquetWrite({
    writer,
    columnData,
    rowGroupSize: 50_000,
    kvMetadata: [{ key: HEADER_KEY, value: scoredHeaderText(set) }],
    createdBy: 'Armoscope',
  });
  return new Uint8Array(writer.getBuffer());
}

/** Names of the objectives in a table's columns, in order. @throws FormatError where gate columns do not match them. */
function objectivesOf(columns: readonly string[], where: string): { names: string[]; logits: boolean } {
  const named = (prefix: string): string[] =>
    columns.filter((column) => column.startsWith(prefix)).map((column) => column.slice(prefix.length));
  const names = named(REWARD);
  const missing = names.find((name) => !columns.includes(GATE + name));
  if (names.length === 0)
    throw new FormatError('malformed', where, `has no column "${REWARD}…": it is not a table of scores.`);
  if (missing !== undefined)
    throw new FormatError('malformed', where, `has "${REWARD}${missing}" but no "${GATE}${missing}".`);
  const logits = named(LOGIT);
  if (logits.length > 0 && !names.every((name) => logits.includes(name)))
    throw new FormatError('malformed', where, `has "${LOGIT}…" for some objectives only.`);
  return { names, logits: logits.length > 0 };
}

/** Turns table rows into a set; `cell` gives a column's value, undefined where it is empty. */
class TableRows {
  readonly rejected = new RejectedRows();
  readonly #groups: GroupAssembler;
  readonly #names: readonly string[];
  readonly #logits: boolean;

  constructor(columns: readonly string[], where: string, options: ScoredSetOptions) {
    const { names, logits } = objectivesOf(columns, where);
    this.#names = names;
    this.#logits = logits;
    this.#groups = new GroupAssembler({ ...options, objectives: names });
  }

  add(row: number, cell: (column: string) => unknown, text: () => string): void {
    try {
      const value: Record<string, unknown> = { score: cell('score'), label: cell('label') };
      for (const name of [...wholeColumns, ...textColumns]) value[name] = cell(name);
      value['rewards'] = this.#vector(cell, REWARD);
      value['gateWeights'] = this.#vector(cell, GATE);
      if (this.#logits) value['gateLogits'] = this.#vector(cell, LOGIT);
      value['warnings'] = jsonCell(cell('warnings'), 'warnings');
      const scored = scoredFields(value, '', this.#names.length);
      const group = optionalInteger(value['group'], 'group', 0);
      if (group === undefined) throw new RowProblem('group', 'is missing.');
      const sourceRow = optionalInteger(value['row'], 'row', 0) ?? row;
      const extra = cell('extra');
      const messages = cell('messages');
      if (extra !== undefined && !isJsonObject(jsonCell(extra, 'extra')))
        throw new RowProblem('extra', 'must be a JSON object.');
      if (messages !== undefined && !Array.isArray(jsonCell(messages, 'messages')))
        throw new RowProblem('messages', 'must be a JSON array.');
      this.#groups.add(
        String(group),
        optionalText(value['id'], 'id') ?? String(sourceRow),
        sourceRow,
        { ...scored, extra: optionalText(extra, 'extra') },
        optionalText(messages, 'messages'),
      );
    } catch (problem) {
      if (!(problem instanceof RowProblem)) throw problem;
      this.rejected.add(row, problem.field, problem.message, text());
    }
  }

  finish(name: string): ReadScoredSet {
    const set = this.#groups.finish();
    if (set === undefined) throw nothingUsable(name, this.rejected.rows);
    return { set, rejected: this.rejected.rows };
  }

  #vector(cell: (column: string) => unknown, prefix: string): unknown[] {
    return this.#names.map((name) => {
      const value = cell(prefix + name);
      // Checked here, where the column's own name is known.
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw new RowProblem(prefix + name, `must be a finite number, not ${shown(value)}.`);
      return value;
    });
  }
}

function jsonCell(value: unknown, field: string): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch (cause) {
    throw new RowProblem(field, `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
}

/** Reads a CSV export. @throws FormatError of the source, of its columns, or where no row could be used. */
export async function readScoredCsv(
  source: ByteSource,
  options: ScoredSetOptions = {},
  { signal }: { signal?: AbortSignal } = {},
): Promise<ReadScoredSet> {
  const numeric = (column: string): boolean =>
    column === 'score' || column === 'label' || /^(?:reward|gate|gateLogit)\./.test(column) || isWhole(column);
  let rows: TableRows | undefined;
  for await (const record of readCsv(source, signal)) {
    if ('error' in record) {
      rows ??= undefined;
      if (rows === undefined) throw new FormatError('malformed', `${source.name}, line ${record.line}`, record.error);
      rows.rejected.add(record.line, '', record.error, record.text);
      continue;
    }
    const { values, line } = record;
    rows ??= new TableRows(Object.keys(values), source.name, options);
    const cell = (column: string): unknown => {
      const text = values[column];
      if (text === undefined || (text === '' && column !== 'response')) return undefined;
      if (!numeric(column)) return text;
      // What is not a number stays a text, and is refused as such.
      return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
    };
    rows.add(line, cell, () => Object.values(values).map(csvCell).join(','));
  }
  if (rows === undefined) throw new FormatError('malformed', source.name, 'has no rows.');
  return rows.finish(source.name);
}

function isWhole(column: string): boolean {
  return wholeColumns.some((name) => name === column);
}

/** Reads a Parquet export, or any Parquet file with its columns. @throws FormatError as `readScoredCsv`. */
export async function readScoredParquet(
  source: ByteSource,
  options: ScoredSetOptions = {},
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (rows: number) => void } = {},
): Promise<ReadScoredSet> {
  const file = await openParquet(source, signal);
  const header = file.metadata.get(HEADER_KEY);
  let own: ScoredSetOptions = {};
  if (header !== undefined) {
    const where = `${source.name}, metadata "${HEADER_KEY}"`;
    try {
      own = parseScoredHeader(JSON.parse(header), where);
    } catch (cause) {
      if (cause instanceof FormatError) throw cause;
      throw new FormatError('malformed', where, 'is not valid JSON.');
    }
  }
  const rows = new TableRows(file.columns, source.name, { ...options, ...own });
  for await (const { first, rows: batch } of file.batches(undefined, signal)) {
    for (const [i, values] of batch.entries())
      rows.add(
        first + i,
        (column) => values[column] ?? undefined,
        () => JSON.stringify(values, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      );
    onProgress?.(first + batch.length - 1);
  }
  return rows.finish(source.name);
}
