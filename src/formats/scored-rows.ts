/**
 * One row of a scored file: what its fields must be, whichever file it comes from, and the assembly of rows into groups.
 */
import { rowRoles, ScoredSetBuilder } from '@/core/scored-set.ts';
import type { RowRole, RowWarning, ScoredHead, ScoredRow, ScoredSet } from '@/core/scored-set.ts';
import { isJsonObject } from './json-file.ts';
import { RowProblem } from './rejected-rows.ts';

/** What the file itself does not say. */
export interface ScoredSetOptions {
  /** Names of the objectives, used where the file has none and as many; otherwise they are numbered. */
  readonly objectives?: readonly string[];
  readonly modelId?: string;
  readonly head?: ScoredHead;
}

/** @throws RowProblem unless `value` is a finite number. */
export function finiteNumber(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new RowProblem(field, `must be a finite number, not ${shown(value)}.`);
  return value;
}

/** Absent (also `null`) or a finite number. */
export function optionalNumber(value: unknown, field: string): number | undefined {
  return value === undefined || value === null ? undefined : finiteNumber(value, field);
}

/** Absent or a whole number of at least `least`. */
export function optionalInteger(value: unknown, field: string, least: number): number | undefined {
  const number = optionalNumber(typeof value === 'bigint' ? Number(value) : value, field);
  if (number !== undefined && (!Number.isInteger(number) || number < least || number > 0x7fff_ffff))
    throw new RowProblem(field, `must be a whole number of at least ${least}, not ${number}.`);
  return number;
}

/** Absent or a text; numbers become texts, because ids and subsets often are numbers. */
export function optionalText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  throw new RowProblem(field, `must be a text, not ${shown(value)}.`);
}

/** @throws RowProblem unless `value` is an array of finite numbers, `length` of them where that is known. */
export function numberRow(value: unknown, field: string, length: number | undefined): readonly number[] {
  if (!Array.isArray(value)) throw new RowProblem(field, `must be an array of numbers, not ${shown(value)}.`);
  if (value.length === 0) throw new RowProblem(field, 'must not be empty.');
  if (length !== undefined && value.length !== length)
    throw new RowProblem(field, `has ${value.length} numbers where the rows before have ${length}.`);
  return value.map((entry: unknown, j) => finiteNumber(entry, `${field}[${j}]`));
}

/** The measured fields of one response, as `npm run score` and our own export write them. */
export function scoredFields(value: Readonly<Record<string, unknown>>, path: string, k: number | undefined): ScoredRow {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const rewards = numberRow(value['rewards'], at('rewards'), k);
  const { gateLogits, style } = value;
  const styleCode = optionalInteger(style, at('style'), 0);
  if (styleCode !== undefined && styleCode > 2)
    throw new RowProblem(at('style'), `must be 0, 1 or 2, not ${styleCode}.`);
  return {
    score: finiteNumber(value['score'], at('score')),
    rewards,
    gateWeights: numberRow(value['gateWeights'], at('gateWeights'), rewards.length),
    gateLogits:
      gateLogits === undefined || gateLogits === null
        ? undefined
        : numberRow(gateLogits, at('gateLogits'), rewards.length),
    role: roleOf(value['role'], at('role')),
    style: styleCode,
    label: optionalNumber(value['label'], at('label')),
    responseTokens: optionalInteger(value['responseTokens'], at('responseTokens'), 0),
    characters: optionalInteger(value['characters'], at('characters'), 0),
    subset: optionalText(value['subset'], at('subset')),
    section: optionalText(value['section'], at('section')),
    response: optionalText(value['response'], at('response')),
    warnings: warningsOf(value['warnings'], at('warnings')),
  };
}

function roleOf(value: unknown, field: string): RowRole | undefined {
  if (value === undefined || value === null) return undefined;
  const role = rowRoles.find((name) => name === value);
  if (role === undefined) throw new RowProblem(field, `must be one of ${rowRoles.join(', ')}, not ${shown(value)}.`);
  return role;
}

function warningsOf(value: unknown, field: string): readonly RowWarning[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw new RowProblem(field, 'must be an array.');
  return value.map((entry: unknown, i) => {
    const { code, message } = isJsonObject(entry) ? entry : {};
    if (typeof code !== 'string' || typeof message !== 'string')
      throw new RowProblem(`${field}[${i}]`, 'must be an object with the texts "code" and "message".');
    return { code, message };
  });
}

export function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return text === undefined ? typeof value : text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Rows of one group that arrive one by one, gathered until the group's key changes. */
export class GroupAssembler {
  readonly #options: ScoredSetOptions;
  #builder: ScoredSetBuilder | undefined;
  #key: string | undefined;
  #id = '';
  #sourceRow = 0;
  #messages: string | undefined;
  #rows: ScoredRow[] = [];
  #objectives: number | undefined;

  constructor(options: ScoredSetOptions) {
    this.#options = options;
  }

  /** k, once a row was added. */
  get objectives(): number | undefined {
    return this.#objectives;
  }

  /** The last row added, while its group is open. */
  get openRow(): ScoredRow | undefined {
    return this.#rows.at(-1);
  }

  /** Adds a row to the open group when `key` is that group's, else begins a new one. */
  add(key: string, id: string, sourceRow: number, row: ScoredRow, messages?: string): void {
    this.#objectives ??= row.rewards.length;
    if (key !== this.#key || this.#rows.length === 0) {
      this.flush();
      this.#key = key;
      this.#id = id;
      this.#sourceRow = sourceRow;
      this.#messages = messages;
    }
    this.#rows.push(row);
  }

  flush(): void {
    if (this.#rows.length === 0) return;
    this.#builder ??= this.#newBuilder(this.#rows[0]!.rewards.length);
    this.#builder.addGroup(this.#id, this.#sourceRow, this.#rows, this.#messages);
    this.#rows = [];
  }

  /** @returns undefined when no row was ever added. */
  finish(): ScoredSet | undefined {
    this.flush();
    return this.#builder?.finish();
  }

  #newBuilder(k: number): ScoredSetBuilder {
    const { objectives, modelId, head } = this.#options;
    const names = objectives?.length === k ? objectives : Array.from({ length: k }, (_, j) => `objective-${j + 1}`);
    return new ScoredSetBuilder(names, modelId, head?.transform.length === k * k ? head : undefined);
  }
}
