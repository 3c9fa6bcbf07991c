/** The numbers that a record says of its responses: what stage 1 can be fitted to. Nothing is scaled. */
import { isJsonObject } from '../json-file.ts';
import { numeric, type ColumnMapping } from './column-mapping.ts';
import type { DatasetResponse } from './dataset.ts';

export type Ratings = Readonly<Record<string, number>>;

type Value = Readonly<Record<string, unknown>>;

/**
 * The ratings of each response of a record, by field. Where a record is one response, its numeric fields and those of a field `labels`
 * (an object by name; an array gives `labels[0]` …); where it is several, those of each response's own object, UltraFeedback's
 * `annotations.*.Rating` included. The mapped label goes by its column's name, or `label`.
 */
export function ratingsOf(mapping: ColumnMapping, value: Value, responses: readonly DatasetResponse[]): Ratings[] {
  const single = mapping.shape === 'response' || mapping.shape === 'conversation';
  const listed = mapping.shape === 'responses' ? listOf(value[mapping.response ?? '']) : [];
  const texts = new Set([mapping.prompt, mapping.response, mapping.system, mapping.id, mapping.group]);
  return responses.map(({ label }, index) => {
    const entry = listed[index];
    const own = single
      ? numbersIn(Object.fromEntries(Object.entries(value).filter(([key]) => !texts.has(key))))
      : isJsonObject(entry)
        ? numbersIn(entry)
        : {};
    const key = mapping.label ?? 'label';
    return label === undefined || key in own ? own : { ...own, [key]: label };
  });
}

function numbersIn(value: Value): Record<string, number> {
  const found: Record<string, number> = {};
  const keep = (key: string, entry: unknown): void => {
    const number = numeric(entry);
    if (typeof number === 'number' && Number.isFinite(number)) found[key] ??= number;
  };
  for (const [key, entry] of Object.entries(value)) keep(key, entry);
  const { labels, annotations } = value;
  if (Array.isArray(labels)) for (const [index, entry] of labels.entries()) keep(`labels[${index}]`, entry);
  if (isJsonObject(labels)) for (const [key, entry] of Object.entries(labels)) keep(key, entry);
  if (isJsonObject(annotations))
    for (const [key, entry] of Object.entries(annotations)) if (isJsonObject(entry)) keep(key, entry['Rating']);
  return found;
}

/** Tables keep arrays as JSON text. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string') return [];
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
