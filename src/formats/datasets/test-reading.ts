/** Reads a dataset whole, for tests. */
import { memorySource } from '../memory-source.ts';
import type { ColumnMapping } from './column-mapping.ts';
import type { DatasetItem } from './dataset.ts';
import { mappingFor, previewDataset, readDataset } from './read-dataset.ts';

interface Rejected {
  readonly row: number;
  readonly field: string;
  readonly reason: string;
  readonly text: string;
}

export async function readBytes(bytes: Uint8Array<ArrayBuffer>, own?: ColumnMapping) {
  const source = memorySource('data', bytes);
  const preview = await previewDataset(source);
  const items: DatasetItem[] = [];
  const rejected: Rejected[] = [];
  for await (const entry of readDataset(source, preview.format, mappingFor(preview, own))) {
    if (entry.kind === 'item') items.push(entry.item);
    else rejected.push({ row: entry.row, field: entry.field, reason: entry.reason, text: entry.text });
  }
  return { preview, items, rejected };
}
export const read = (text: string, own?: ColumnMapping) => readBytes(new TextEncoder().encode(text), own);
export const lines = (...rows: readonly unknown[]): string =>
  rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('');
