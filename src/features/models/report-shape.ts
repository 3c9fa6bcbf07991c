/** Reads the shape of a report whose keys this page does not know: what is a list of facts, what is a table. Pure. */
import type { ReportValue } from '@/queries/report-query.ts';

export type ReportRecord = { readonly [key: string]: ReportValue };

export function isRecord(value: unknown): value is ReportRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: ReportValue): boolean {
  return typeof value !== 'object' || value === null;
}

/** Objects inside rows become columns while they have at most this many keys between them; otherwise one cell of text. */
const mostInnerColumns = 4;

function isRow(row: ReportValue): boolean {
  return (
    isRecord(row) &&
    Object.keys(row).length > 0 &&
    Object.values(row).every(
      (value) => isScalar(value) || (isRecord(value) && Object.values(value).every((inner) => isScalar(inner))),
    )
  );
}

/** `rows` with the scalars of objects inside them as cells of their own. */
function flatRows(rows: readonly ReportRecord[]): ReportRecord[] {
  const innerKeys = new Map<string, Set<string>>();
  for (const [key, value] of rows.flatMap((row) => Object.entries(row))) {
    if (!isRecord(value)) continue;
    const known = innerKeys.get(key) ?? new Set();
    for (const inner of Object.keys(value)) known.add(inner);
    innerKeys.set(key, known);
  }
  return rows.map((row) => {
    const flat: Record<string, ReportValue> = {};
    for (const [key, value] of Object.entries(row)) {
      if (!isRecord(value)) flat[key] = value;
      else if ((innerKeys.get(key)?.size ?? 0) <= mostInnerColumns)
        for (const [inner, cell] of Object.entries(value)) flat[`${key} ${inner}`] = cell;
      else
        flat[key] = Object.entries(value)
          .map(([inner, cell]) => `${inner} ${typeof cell === 'string' ? cell : JSON.stringify(cell)}`)
          .join('; ');
    }
    return flat;
  });
}

/** At least two rows, each an object of scalars, or of objects of scalars: an array of such, or an object of such by name. */
export function isTable(value: ReportValue): boolean {
  const rows: readonly ReportValue[] = Array.isArray(value)
    ? (value as readonly ReportValue[])
    : isRecord(value)
      ? Object.values(value)
      : [];
  return rows.length >= 2 && rows.every((row) => isRow(row));
}

/** Columns in the order they first occur; for an object of rows the first column, without a heading, is the row's name. */
export function tableOf(value: ReportValue): {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (ReportValue | undefined)[])[];
} {
  const named: readonly (readonly [string | undefined, ReportValue])[] = Array.isArray(value)
    ? (value as readonly ReportValue[]).map((row) => [undefined, row] as const)
    : Object.entries(isRecord(value) ? value : {});
  const rowsIn = named.flatMap(([name, row]) => (isRecord(row) ? [{ name, row }] : []));
  const flat = flatRows(rowsIn.map(({ row }) => row));
  const records = rowsIn.map(({ name }, index) => ({ name, row: flat[index] ?? {} }));
  const keys = [...new Set(records.flatMap(({ row }) => Object.keys(row)))];
  const withNames = records.some(({ name }) => name !== undefined);
  return {
    columns: withNames ? ['', ...keys] : keys,
    rows: records.map(({ name, row }) => {
      const cells = keys.map((key) => row[key]);
      return withNames ? [name, ...cells] : cells;
    }),
  };
}

/** `testAccuracy`, `test_accuracy`: `test accuracy`. Names with a hyphen are objectives and stay. */
export function readableKey(key: string): string {
  if (key.includes('-')) return key;
  return key
    .replaceAll('_', ' ')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/ ([A-Z])(?=[a-z])/g, (_, letter: string) => ` ${letter.toLowerCase()}`);
}
