/**
 * Rows of a file that could not be used: each with its number, the field at fault and the reason, none swallowed. They can be
 * written out as JSON lines, with the row as it was.
 */

/** One unusable row. `row` counts from 1: the line of a text file, the row of a table. */
export interface RejectedRow {
  readonly row: number;
  /** Field or column at fault; '' where the row as a whole is. */
  readonly field: string;
  readonly reason: string;
  /** The row as it was, as far as it could be read and kept; `cut` says that it is not whole. */
  readonly text: string;
  readonly cut: boolean;
}

/** Texts of rejected rows are kept up to this many characters in all (64 MB as UTF-16); then their beginnings only. */
const keptCharacters = 32 * 1024 * 1024;
const keptBeginning = 200;

export class RejectedRows {
  readonly #rows: RejectedRow[] = [];
  #characters = 0;

  get length(): number {
    return this.#rows.length;
  }

  get rows(): readonly RejectedRow[] {
    return this.#rows;
  }

  add(row: number, field: string, reason: string, text: string): void {
    const cut = this.#characters + text.length > keptCharacters && text.length > keptBeginning;
    const kept = cut ? text.slice(0, keptBeginning) : text;
    this.#characters += kept.length;
    this.#rows.push({ row, field, reason, text: kept, cut });
  }
}

/** The rejected rows as JSON lines: `{"row", "field", "reason", "text", "cut"?}`. */
export function* rejectedAsJsonLines(rows: readonly RejectedRow[]): Generator<string> {
  for (const { row, field, reason, text, cut } of rows)
    yield `${JSON.stringify({ row, field, reason, text, ...(cut ? { cut } : {}) })}\n`;
}

/** Ends the reading of one row with a reason; never leaves `formats`. */
export class RowProblem extends Error {
  readonly field: string;
  constructor(field: string, reason: string) {
    super(reason);
    this.field = field;
  }
}
