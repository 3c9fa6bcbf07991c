/** Files that Evaluate writes: a scored set as the model gave it, which reads back to the bit, and rows that could not be used. */
import type { ScoredSet } from '@/core/scored-set.ts';
import type { RejectedRow } from '@/formats/rejected-rows.ts';
import type { ScoredFormat } from '@/formats/scored-set.ts';

const types: Readonly<Record<ScoredFormat, string>> = {
  jsonl: 'application/x-ndjson',
  csv: 'text/csv',
  parquet: 'application/vnd.apache.parquet',
};

export async function exportScoredSet(set: ScoredSet, format: ScoredFormat): Promise<Blob> {
  const { writeScoredSet } = await import('@/formats/scored-set.ts');
  return new Blob([...writeScoredSet(set, format)], { type: types[format] });
}

export async function exportRejectedRows(rows: readonly RejectedRow[]): Promise<Blob> {
  const { rejectedAsJsonLines } = await import('@/formats/rejected-rows.ts');
  return new Blob([...rejectedAsJsonLines(rows)], { type: types.jsonl });
}
