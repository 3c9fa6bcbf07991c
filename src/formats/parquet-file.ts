/**
 * Parquet files through hyparquet: rows of chosen columns, row group by row group, so that memory is bounded by one row group;
 * every compression that its companion package knows (snappy, gzip, zstd, brotli, lz4).
 */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';

const MAGIC = 'PAR1';
/** Rows handed on at once; a row group with page offsets is read in pieces of this many. */
const batchRows = 16_384;

export interface ParquetFile {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Key-value metadata. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Rows in order, as objects by column name; `first` is the number of the first, from 1. */
  batches(columns?: readonly string[], signal?: AbortSignal): AsyncGenerator<ParquetBatch>;
}

export interface ParquetBatch {
  readonly first: number;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Whether the bytes begin as a Parquet file does. */
export async function isParquet(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  if (source.size < 2 * MAGIC.length) return false;
  const bytes = await source.read(0, MAGIC.length, signal);
  return new TextDecoder('latin1').decode(bytes) === MAGIC;
}

/** @throws FormatError where the footer is not that of a Parquet file. */
export async function openParquet(source: ByteSource, signal?: AbortSignal): Promise<ParquetFile> {
  const file: AsyncBuffer = {
    byteLength: source.size,
    slice(start, end) {
      // Negative positions count from the end, as in Blob.slice.
      const begin = start < 0 ? Math.max(0, source.size + start) : start;
      const stop = Math.min(source.size, end === undefined ? source.size : end < 0 ? source.size + end : end);
      const bytes = source.read(begin, Math.max(0, stop - begin), signal).then(({ buffer }) => buffer);
      // hyparquet reads ahead, and after one failure looks at no other: those must not count as unhandled.
      bytes.catch(() => {});
      return bytes;
    },
  };
  const metadata = await guarded(source.name, () => parquetMetadataAsync(file));
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  return {
    name: source.name,
    columns,
    rows: Number(metadata.num_rows),
    metadata: new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ''])),
    async *batches(wanted, abort) {
      let first = 0;
      for (const { rows, begin } of pieces(metadata)) {
        abort?.throwIfAborted();
        const read = await guarded(`${source.name}, rows from ${begin + 1}`, () =>
          parquetReadObjects({
            file,
            metadata,
            compressors,
            useOffsetIndex: true,
            rowStart: begin,
            rowEnd: begin + rows,
            ...(wanted === undefined ? {} : { columns: [...wanted] }),
          }),
        );
        yield { first: first + 1, rows: read };
        first += rows;
      }
    },
  };
}

/** Ranges of rows that are cheap to read at once: row groups, or parts of one whose columns all have page offsets. */
function* pieces({ row_groups: groups }: FileMetaData): Generator<{ readonly begin: number; readonly rows: number }> {
  let begin = 0;
  for (const group of groups) {
    const total = Number(group.num_rows);
    const step = group.columns.every((column) => column.offset_index_offset !== undefined) ? batchRows : total;
    for (let at = 0; at < total; at += step) yield { begin: begin + at, rows: Math.min(step, total - at) };
    begin += total;
  }
}

/** hyparquet throws plain errors, also RangeErrors of typed arrays, for files that are damaged. */
async function guarded<T>(where: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof FormatError || (cause instanceof DOMException && cause.name === 'AbortError')) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('malformed', where, `cannot be read as Parquet: ${reason}.`);
  }
}
