/**
 * CSV as RFC 4180 has it: CRLF, quotes doubled, quoted only where needed. Numbers keep every bit and stay numbers.
 * A text that a spreadsheet would run as a formula gets an apostrophe before it, because texts here may come from files.
 */
import { fullPrecision } from './number-format.ts';

/** `undefined` and numbers that are not finite become empty cells: no spreadsheet reads them otherwise. */
export type CsvCell = string | number | undefined;

const formulaStart = /^[=+\-@\t\r]/;

function cellText(cell: CsvCell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? fullPrecision(cell) : '';
  const safe = formulaStart.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A header row, then one line a row, each ended. */
export function csvText(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}
