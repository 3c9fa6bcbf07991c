/**
 * Streaming reader of CSV (RFC 4180, also with tabs or semicolons): bytes in, records out by column name, with the line each
 * begins on. Papa Parse splits the fields; text is handed to it in pieces that end between records.
 */
import Papa from 'papaparse';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { readChunks } from './jsonl.ts';

/** One record, or what was wrong with it. `line` counts from 1; the header is the first. */
export type CsvRecord =
  | { readonly line: number; readonly values: Readonly<Record<string, string>> }
  | { readonly line: number; readonly error: string; readonly text: string };

/** A record longer than this is not waited for: an open quotation mark has swallowed what follows. */
export const MAX_RECORD_CHARACTERS = 16 * 1024 * 1024;

interface Fields {
  readonly line: number;
  readonly fields: readonly string[];
  readonly error: string | undefined;
}

/**
 * The records of a CSV file whose first record names the columns.
 * @throws FormatError for a header with an empty or repeated name, or bytes that are not UTF-8.
 */
export async function* readCsv(source: ByteSource, signal?: AbortSignal): AsyncGenerator<CsvRecord> {
  let names: readonly string[] | undefined;
  for await (const { line, fields, error } of readFields(source, signal)) {
    if (names === undefined) {
      names = fields.map((name) => name.trim());
      checkNames(names, error, `${source.name}, line ${line}`);
      continue;
    }
    const text = fields.join(',');
    if (error !== undefined) yield { line, error, text };
    else if (fields.length !== names.length)
      yield { line, error: `has ${fields.length} fields where the header has ${names.length}.`, text };
    else yield { line, values: Object.fromEntries(names.map((name, i) => [name, fields[i] ?? ''])) };
  }
  if (names === undefined) throw new FormatError('malformed', source.name, 'is empty.');
}

function checkNames(names: readonly string[], error: string | undefined, where: string): void {
  if (error !== undefined) throw new FormatError('malformed', where, `the header ${error}`);
  const empty = names.indexOf('');
  if (empty >= 0) throw new FormatError('malformed', where, `column ${empty + 1} has no name.`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new FormatError('malformed', where, `two columns are named "${twice}".`);
}

async function* readFields(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Fields> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new FormatError('malformed', source.name, 'is not valid UTF-8.', 'Save it as UTF-8.');
    }
  };
  let pending = '';
  let line = 1;
  let dialect: Dialect | undefined;
  const take = function* (last: boolean): Generator<Fields> {
    dialect ??= dialectOf(pending);
    for (;;) {
      const records = splitRecords(pending, dialect);
      const final = records.at(-1);
      const broken = final?.error !== undefined;
      // Before the end of the file the final record may still go on.
      const ended = last || pending.length - (records.at(-2)?.end ?? 0) > MAX_RECORD_CHARACTERS;
      for (const { fields } of broken || !ended ? records.slice(0, -1) : records) {
        if (fields.length > 1 || fields[0]?.trim() !== '') yield { line, fields, error: undefined };
        line += 1 + fields.reduce((sum, field) => sum + lineBreaks(field), 0);
      }
      pending = pending.slice((broken || !ended ? records.at(-2) : final)?.end ?? 0);
      if (!broken || !(ended || final.end < pending.length)) return;
      // A quotation mark gone wrong would swallow the records after it: only its own line is given up.
      const newline = pending.indexOf('\n');
      const end = newline < 0 ? pending.length : newline + 1;
      yield { line, fields: [pending.slice(0, end).trimEnd()], error: final.error };
      line += 1;
      pending = pending.slice(end);
    }
  };
  for await (const chunk of readChunks(source, signal)) {
    pending += decode(chunk);
    yield* take(false);
  }
  pending += decode();
  yield* take(true);
}

interface Dialect {
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
}

/** The delimiter that the first line has most of, outside quotes, and the way that line ends. */
function dialectOf(text: string): Dialect {
  const counts = new Map([',', '\t', ';', '|'].map((delimiter) => [delimiter, 0]));
  let quoted = false;
  let newline: Dialect['newline'] = '\n';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === '\n' || c === '\r')) {
      newline = c === '\n' ? '\n' : text[i + 1] === '\n' ? '\r\n' : '\r';
      break;
    } else if (!quoted && counts.has(c)) counts.set(c, counts.get(c)! + 1);
  }
  const [delimiter] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best));
  return { delimiter, newline };
}

interface SplitRecord {
  readonly fields: readonly string[];
  readonly error: string | undefined;
  /** Index after the record in the text. */
  readonly end: number;
}

/** The records of `text` up to the first that is malformed, which is the last then. */
function splitRecords(text: string, { delimiter, newline }: Dialect): SplitRecord[] {
  const records: SplitRecord[] = [];
  Papa.parse<string[]>(text, {
    delimiter,
    newline,
    skipEmptyLines: false,
    step({ data, errors: [problem], meta }, parser) {
      const error = problem && `is malformed: ${problem.message}.`;
      records.push({ fields: data, error, end: meta.cursor });
      if (error !== undefined) parser.abort();
    },
  });
  return records;
}

function lineBreaks(field: string): number {
  let count = 0;
  for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** A cell as CSV: quoted where it must be. */
export function csvCell(value: string): string {
  return /[",\r\n\t;|]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
