/** The numbers of a chart as a table: what its twin shows and its CSV holds. */
import { csvText, type CsvCell } from './csv-text.ts';
import type { NamedObjective } from './objective-language.ts';

/** An objective is shown with its marker and written by its name. */
export type ChartCell = CsvCell | NamedObjective;

export interface ChartColumn {
  readonly label: string;
  /** Said in the header's title: what the column is. */
  readonly meaning?: string;
  /** How a number is shown; four significant digits unless told. The full number is in the title and in the CSV. */
  readonly format?: (value: number) => string;
}

export interface ChartTable {
  readonly columns: readonly ChartColumn[];
  /** One cell a column. The first is the row's header. */
  readonly rows: readonly (readonly ChartCell[])[];
  /** A last row that belongs to no item, such as a sum. */
  readonly footer?: readonly ChartCell[];
}

export function tableCsv({ columns, rows, footer }: ChartTable): string {
  const plain = (row: readonly ChartCell[]) => row.map((cell) => (typeof cell === 'object' ? cell.name : cell));
  return csvText(
    columns.map((column) => column.label),
    [...rows, ...(footer === undefined ? [] : [footer])].map(plain),
  );
}
