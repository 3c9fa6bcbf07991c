/**
 * A scored set: what a model said about many responses, in typed arrays that hold 100,000 rows and more.
 *
 * A row is one response. Rows that compete (a pair, N answers to one prompt, RM-Bench's three chosen and three rejected) are a
 * group; a comparison is a chosen and a rejected row of one group. Gate values belong to the prompt, so they are stored once
 * per prompt. Everything a score depends on under steering is here: s = g · (r M).
 */
import { assert } from '@/base/assert.ts';

/** What a row is in its group. */
export type RowRole = 'candidate' | 'chosen' | 'rejected';
/** Stored as its index here. */
export const rowRoles: readonly RowRole[] = ['candidate', 'chosen', 'rejected'];

/** A column of names: `codes[row]` is an index of `names`, −1 where the row has none. */
export interface NameColumn {
  readonly names: readonly string[];
  /** `[n]`. */
  readonly codes: Int32Array;
}

/** What a reader of the scores must know of the head that made them, as far as it is known. */
export interface ScoredHead {
  /** M `[k, k]`, row-major. */
  readonly transform: Float64Array;
  readonly temperature?: number;
  readonly logitScale?: number;
  readonly activeObjectives?: readonly number[];
}

/** Something true about a row that a reader of its score must know. */
export interface RowWarning {
  readonly code: string;
  readonly message: string;
}

export interface ScoredSet {
  /** Names of the k objectives. */
  readonly objectives: readonly string[];
  /** Id of the model that made the scores, where it is known. */
  readonly modelId: string | undefined;
  readonly head: ScoredHead | undefined;
  /** n. */
  readonly rows: number;
  /** p. */
  readonly prompts: number;
  readonly groups: number;
  /** Raw r `[n, k]`. */
  readonly rewards: Float64Array;
  /** The score of each row as the model gave it `[n]`. */
  readonly scores: Float64Array;
  /** Which row of the gate arrays a row's prompt has `[n]`. */
  readonly promptOf: Int32Array;
  /** g `[p, k]`. */
  readonly gateWeights: Float64Array;
  /** Gate logits `[p, k]`; undefined unless every prompt has them. */
  readonly gateLogits: Float64Array | undefined;
  /** Which group a row belongs to `[n]`: 0 … groups − 1, ascending, so that a group's rows stand together. */
  readonly groupOf: Int32Array;
  /** First row of each group, and n at the end `[groups + 1]`. */
  readonly groupStart: Int32Array;
  /** Index into `rowRoles` `[n]`. */
  readonly roles: Uint8Array;
  /** RM-Bench's style of the response, 0 concise, 1 detailed, 2 detailed in Markdown; −1 elsewhere `[n]`. */
  readonly styles: Int8Array;
  /** A human or other label of the response's quality, higher is better; NaN where there is none `[n]`. */
  readonly labels: Float64Array;
  /** Tokens of the response alone, −1 where unknown `[n]`. */
  readonly responseTokens: Int32Array;
  /** Characters (Unicode code points) of the response, −1 where unknown `[n]`. */
  readonly characters: Int32Array;
  /** Row of the source (line, or row of a table, counted from 1) `[n]`. */
  readonly sourceRows: Int32Array;
  /** Id of each group, as the source names it, or its source row `[groups]`. */
  readonly ids: readonly string[];
  readonly subsets: NameColumn;
  readonly sections: NameColumn;
  readonly warnings: ReadonlyMap<number, readonly RowWarning[]>;
  /** Other fields of the source as the text of a JSON object, '' where there are none `[n]`. */
  readonly extras: readonly string[];
  /** The texts, where the source has them: conversation as JSON text of messages per group, response per row. */
  readonly texts: { readonly messages: readonly string[]; readonly responses: readonly string[] } | undefined;
}

/** One response on its way into a set; what is absent is unknown. */
export interface ScoredRow {
  readonly score: number;
  /** `[k]` each. */
  readonly rewards: ArrayLike<number>;
  readonly gateWeights: ArrayLike<number>;
  readonly gateLogits?: ArrayLike<number> | undefined;
  readonly role?: RowRole | undefined;
  readonly style?: number | undefined;
  readonly label?: number | undefined;
  readonly responseTokens?: number | undefined;
  readonly characters?: number | undefined;
  readonly subset?: string | undefined;
  readonly section?: string | undefined;
  readonly warnings?: readonly RowWarning[] | undefined;
  readonly extra?: string | undefined;
  readonly response?: string | undefined;
}

/** Builds a set group by group; memory grows by doubling. */
export class ScoredSetBuilder {
  readonly #objectives: readonly string[];
  readonly #modelId: string | undefined;
  readonly #head: ScoredHead | undefined;
  #rows = 0;
  #prompts = 0;
  readonly #rewards = growingFloat64();
  readonly #gateWeights = growingFloat64();
  #gateLogits: GrowingArray<Float64Array> | undefined = growingFloat64();
  readonly #scores = growingFloat64();
  readonly #labels = growingFloat64();
  readonly #promptOf = growingInt32();
  readonly #groupOf = growingInt32();
  readonly #responseTokens = growingInt32();
  readonly #characters = growingInt32();
  readonly #sourceRows = growingInt32();
  readonly #roles = growingUint8();
  readonly #styles = growingInt8();
  readonly #groupStart: number[] = [0];
  readonly #ids: string[] = [];
  readonly #subsets = new NameColumnBuilder();
  readonly #sections = new NameColumnBuilder();
  readonly #warnings = new Map<number, readonly RowWarning[]>();
  readonly #extras: string[] = [];
  readonly #messages: string[] = [];
  readonly #responses: string[] = [];
  #hasTexts = false;

  constructor(objectives: readonly string[], modelId?: string, head?: ScoredHead) {
    assert(objectives.length > 0, 'a scored set has at least one objective');
    const k = objectives.length;
    assert(head === undefined || head.transform.length === k * k, () => `the transform is not [${k}, ${k}]`);
    this.#objectives = objectives;
    this.#modelId = modelId;
    this.#head = head;
  }

  get rows(): number {
    return this.#rows;
  }

  get groups(): number {
    return this.#ids.length;
  }

  /**
   * Adds the rows of one group. Rows whose gate weights (and logits) are equal to the bit share a prompt.
   * @param messages the conversation as the JSON text of its messages.
   * @throws AssertionError on an empty group or arrays that are not `[k]`.
   */
  addGroup(id: string, sourceRow: number, rows: readonly ScoredRow[], messages?: string): void {
    assert(rows.length > 0, 'a group has at least one row');
    const firstPrompt = this.#prompts;
    for (const row of rows) this.#addRow(row, sourceRow, firstPrompt);
    this.#ids.push(id);
    this.#messages.push(messages ?? '');
    this.#hasTexts ||= messages !== undefined;
    this.#groupStart.push(this.#rows);
  }

  #addRow(row: ScoredRow, sourceRow: number, firstPrompt: number): void {
    const k = this.#objectives.length;
    const at = this.#rows++;
    const { rewards, gateWeights, gateLogits } = row;
    for (const array of [rewards, gateWeights, ...(gateLogits === undefined ? [] : [gateLogits])])
      assert(array.length === k, () => `row ${at} has ${array.length} values, ${k} expected`);
    this.#rewards.setAll(at * k, rewards);
    this.#scores.set(at, row.score);
    this.#labels.set(at, row.label ?? Number.NaN);
    this.#promptOf.set(at, this.#promptOfRow(row, firstPrompt));
    this.#groupOf.set(at, this.#ids.length);
    this.#responseTokens.set(at, row.responseTokens ?? -1);
    this.#characters.set(at, row.characters ?? -1);
    this.#sourceRows.set(at, sourceRow);
    this.#roles.set(at, rowRoles.indexOf(row.role ?? 'candidate'));
    this.#styles.set(at, row.style ?? -1);
    this.#subsets.add(row.subset);
    this.#sections.add(row.section);
    if (row.warnings !== undefined && row.warnings.length > 0) this.#warnings.set(at, row.warnings);
    this.#extras.push(row.extra ?? '');
    this.#responses.push(row.response ?? '');
    this.#hasTexts ||= row.response !== undefined;
  }

  #promptOfRow({ gateWeights, gateLogits }: ScoredRow, firstPrompt: number): number {
    const k = this.#objectives.length;
    if (gateLogits === undefined) this.#gateLogits = undefined;
    for (let prompt = firstPrompt; prompt < this.#prompts; prompt++)
      if (
        sameBits(this.#gateWeights.array, prompt * k, gateWeights) &&
        (this.#gateLogits === undefined ||
          gateLogits === undefined ||
          sameBits(this.#gateLogits.array, prompt * k, gateLogits))
      )
        return prompt;
    const prompt = this.#prompts++;
    this.#gateWeights.setAll(prompt * k, gateWeights);
    if (gateLogits !== undefined) this.#gateLogits?.setAll(prompt * k, gateLogits);
    return prompt;
  }

  /** The set so far; the builder may go on afterwards. */
  finish(): ScoredSet {
    const n = this.#rows;
    const k = this.#objectives.length;
    return {
      objectives: this.#objectives,
      modelId: this.#modelId,
      head: this.#head,
      rows: n,
      prompts: this.#prompts,
      groups: this.#ids.length,
      rewards: this.#rewards.first(n * k),
      scores: this.#scores.first(n),
      promptOf: this.#promptOf.first(n),
      gateWeights: this.#gateWeights.first(this.#prompts * k),
      gateLogits: this.#gateLogits?.first(this.#prompts * k),
      groupOf: this.#groupOf.first(n),
      groupStart: Int32Array.from(this.#groupStart),
      roles: this.#roles.first(n),
      styles: this.#styles.first(n),
      labels: this.#labels.first(n),
      responseTokens: this.#responseTokens.first(n),
      characters: this.#characters.first(n),
      sourceRows: this.#sourceRows.first(n),
      ids: [...this.#ids],
      subsets: this.#subsets.finish(),
      sections: this.#sections.finish(),
      warnings: new Map(this.#warnings),
      extras: [...this.#extras],
      texts: this.#hasTexts ? { messages: [...this.#messages], responses: [...this.#responses] } : undefined,
    };
  }
}

/** Chosen and rejected rows of every comparison `[m]` each: all chosen × rejected rows of a group, in row order. */
export interface Comparisons {
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
}

/** Every comparison of a set. Groups without both roles give none. */
export function comparisonsOf({
  groups,
  groupStart,
  roles,
}: Pick<ScoredSet, 'groups' | 'groupStart' | 'roles'>): Comparisons {
  const chosen: number[] = [];
  const rejected: number[] = [];
  const chosenCode = rowRoles.indexOf('chosen');
  const rejectedCode = rowRoles.indexOf('rejected');
  for (let group = 0; group < groups; group++) {
    const end = groupStart[group + 1]!;
    for (let a = groupStart[group]!; a < end; a++) {
      if (roles[a] !== chosenCode) continue;
      for (let b = groupStart[group]!; b < end; b++) {
        if (roles[b] !== rejectedCode) continue;
        chosen.push(a);
        rejected.push(b);
      }
    }
  }
  return { chosen: Int32Array.from(chosen), rejected: Int32Array.from(rejected) };
}

/** The name a row has in a column; undefined where it has none. */
export function nameAt({ names, codes }: NameColumn, row: number): string | undefined {
  const code = codes[row];
  return code === undefined || code < 0 ? undefined : names[code];
}

class NameColumnBuilder {
  readonly #indexOf = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #codes = growingInt32();
  #rows = 0;

  add(name: string | undefined): void {
    let code = -1;
    if (name !== undefined) {
      code = this.#indexOf.get(name) ?? this.#names.length;
      if (code === this.#names.length) {
        this.#indexOf.set(name, code);
        this.#names.push(name);
      }
    }
    this.#codes.set(this.#rows++, code);
  }

  finish(): NameColumn {
    return { names: [...this.#names], codes: this.#codes.first(this.#rows) };
  }
}

type NumberArray = Float64Array | Int32Array | Uint8Array | Int8Array;

/** A typed array whose room doubles as it is filled. */
class GrowingArray<T extends NumberArray> {
  array: T;
  readonly #make: (length: number) => T;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.array = make(16);
  }

  set(at: number, value: number): void {
    this.#reserve(at + 1);
    this.array[at] = value;
  }

  setAll(at: number, values: ArrayLike<number>): void {
    this.#reserve(at + values.length);
    this.array.set(values, at);
  }

  /** A copy of the first `length` entries. */
  first(length: number): T {
    const copy = this.#make(length);
    copy.set(this.array.subarray(0, length));
    return copy;
  }

  #reserve(length: number): void {
    if (this.array.length >= length) return;
    const larger = this.#make(Math.max(2 * this.array.length, length));
    larger.set(this.array);
    this.array = larger;
  }
}

const growingFloat64 = () => new GrowingArray<Float64Array>((length) => new Float64Array(length));
const growingInt32 = () => new GrowingArray<Int32Array>((length) => new Int32Array(length));
const growingUint8 = () => new GrowingArray<Uint8Array>((length) => new Uint8Array(length));
const growingInt8 = () => new GrowingArray<Int8Array>((length) => new Int8Array(length));

function sameBits(values: Float64Array, offset: number, row: ArrayLike<number>): boolean {
  for (let j = 0; j < row.length; j++) if (!Object.is(values[offset + j], row[j])) return false;
  return true;
}
