/**
 * Opens a dataset of any layout and format, and streams its items. Records that cannot be used are handed on with their reason;
 * none is swallowed.
 */
import type { ByteSource } from '../byte-source.ts';
import { FormatError } from '../errors.ts';
import { RowProblem } from '../rejected-rows.ts';
import { applyMapping, ItemJoiner } from './column-mapping.ts';
import type { ColumnMapping, MappedRecord } from './column-mapping.ts';
import type { DatasetItem } from './dataset.ts';
import { ratingsOf } from './ratings.ts';
import { columnsOf, missingColumns, recogniseLayout, suggestMapping } from './layouts.ts';
import type { LayoutName, SuggestedMapping } from './layouts.ts';
import { datasetFormatOf, readRecords } from './records.ts';
import type { DatasetFormat } from './records.ts';

/** Records looked at to tell the layout. */
const sampleRecords = 50;

/** What a file is, before it is read as a whole. */
export interface DatasetPreview {
  readonly name: string;
  readonly format: DatasetFormat;
  readonly columns: readonly string[];
  /** The first records, for a preview. */
  readonly samples: readonly Readonly<Record<string, unknown>>[];
  /** The layout and its mapping; undefined where it is none that is known. */
  readonly recognised: { readonly layout: LayoutName; readonly mapping: ColumnMapping } | undefined;
  /** A first guess for the column mapper. */
  readonly suggested: SuggestedMapping;
}

/** An item, or a record that could not be used. */
export type DatasetEntry =
  | { readonly kind: 'item'; readonly item: DatasetItem }
  | {
      readonly kind: 'rejected';
      readonly row: number;
      readonly field: string;
      readonly reason: string;
      readonly text: string;
    };

/** Looks at the beginning of a file. @throws FormatError where it cannot be read at all or has no record. */
export async function previewDataset(source: ByteSource, signal?: AbortSignal): Promise<DatasetPreview> {
  const format = await datasetFormatOf(source, signal);
  const samples: Readonly<Record<string, unknown>>[] = [];
  let firstError: string | undefined;
  for await (const record of readRecords(source, format, signal)) {
    if ('value' in record) samples.push(record.value);
    else firstError ??= `row ${record.row} ${record.error}`;
    if (samples.length >= sampleRecords) break;
  }
  if (samples.length === 0)
    throw new FormatError(
      'malformed',
      source.name,
      `has no record that can be read${firstError === undefined ? '.' : `: ${firstError}`}`,
    );
  return {
    name: source.name,
    format,
    columns: columnsOf(samples),
    samples,
    recognised: recogniseLayout(samples),
    suggested: suggestMapping(samples),
  };
}

/**
 * The items of a dataset in order, by a mapping (`preview.recognised.mapping`, or the person's own).
 * @param options.ratings also gather what each response is rated by.
 * @throws FormatError of the source.
 */
export async function* readDataset(
  source: ByteSource,
  format: DatasetFormat,
  mapping: ColumnMapping,
  signal?: AbortSignal,
  { ratings = false }: { readonly ratings?: boolean } = {},
): AsyncGenerator<DatasetEntry> {
  const joiner = new ItemJoiner();
  const entries = (items: readonly DatasetItem[]): DatasetEntry[] => items.map((item) => ({ kind: 'item', item }));
  for await (const record of readRecords(source, format, signal)) {
    const { row, text } = record;
    const rejected = (field: string, reason: string): DatasetEntry => ({
      kind: 'rejected',
      row,
      field,
      reason,
      text: text(),
    });
    if ('error' in record) {
      yield rejected('', record.error);
      continue;
    }
    try {
      const mapped = applyMapping(mapping, record.value, row, text);
      yield* entries(joiner.add(ratings ? withRatings(mapped, mapping, record.value) : mapped));
    } catch (problem) {
      if (!(problem instanceof RowProblem)) throw problem;
      yield rejected(problem.field, problem.message);
    }
  }
  yield* entries(joiner.flush());
}

function withRatings(
  mapped: MappedRecord,
  mapping: ColumnMapping,
  value: Readonly<Record<string, unknown>>,
): MappedRecord {
  const { responses } = mapped.item;
  const ratings = ratingsOf(mapping, value, responses);
  return {
    ...mapped,
    item: { ...mapped.item, responses: responses.map((each, i) => ({ ...each, ratings: ratings[i] ?? {} })) },
  };
}

/** The mapping to read a file by. @throws FormatError `unsupported` for an unknown layout, or a mapping that does not fit. */
export function mappingFor(preview: DatasetPreview, own?: ColumnMapping): ColumnMapping {
  const mapping = own ?? preview.recognised?.mapping;
  if (mapping === undefined)
    throw new FormatError(
      'unsupported',
      preview.name,
      `is of no known layout; its columns are ${preview.columns.map((name) => `"${name}"`).join(', ')}.`,
      'Say which column holds what.',
    );
  const missing = missingColumns(mapping, preview.columns);
  if (missing.length > 0)
    throw new FormatError(
      'mismatch',
      preview.name,
      `lacks what the mapping needs: ${missing.map((key) => mapping[key] ?? key).join(', ')}.`,
      `Its columns are ${preview.columns.map((name) => `"${name}"`).join(', ')}.`,
    );
  return mapping;
}
