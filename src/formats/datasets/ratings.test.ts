import { expect, test } from 'vitest';
import { memorySource } from '../memory-source.ts';
import type { ColumnMapping } from './column-mapping.ts';
import { readDataset } from './read-dataset.ts';

async function ratings(mapping: ColumnMapping, records: readonly unknown[], ratingsWanted = true) {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const source = memorySource('data.jsonl', new TextEncoder().encode(text));
  const found: unknown[] = [];
  for await (const entry of readDataset(source, 'jsonl', mapping, undefined, { ratings: ratingsWanted }))
    if (entry.kind === 'item') found.push(...entry.item.responses.map((each) => each.ratings));
  return found;
}

const response: ColumnMapping = { shape: 'response', prompt: 'prompt', response: 'response', label: 'helpfulness' };

test('a record of one response: its own numeric fields, each joined response with its own', async () => {
  const records = [
    { prompt: '1', response: '7', helpfulness: 4, verbosity: '2', note: 'short', empty: null, nothing: '' },
    { prompt: '1', response: '8', helpfulness: 1, labels: { 'beavertails-is_safe': 1, text: 'x' } },
    { prompt: 'b', response: 'c', labels: [0.5, null, 2] },
  ];
  expect(await ratings(response, records)).toEqual([
    // Prompt and response are texts, whatever they look like.
    { helpfulness: 4, verbosity: 2 },
    { helpfulness: 1, 'beavertails-is_safe': 1 },
    { 'labels[0]': 0.5, 'labels[2]': 2 },
  ]);
  expect(await ratings(response, records, false)).toEqual([undefined, undefined, undefined]);
});

test('a record of several: each response’s own object, UltraFeedback’s aspects, or the column of labels', async () => {
  const mapping: ColumnMapping = { shape: 'responses', prompt: 'instruction', response: 'completions' };
  const completions = [
    { response: 'a', overall_score: 7, annotations: { honesty: { Rating: '5' }, truthfulness: { Rating: 'N/A' } } },
    { response: 'b', 'fine-grained_score': 3.5 },
  ];
  expect(await ratings(mapping, [{ instruction: 'x', completions, size: 3 }])).toEqual([
    { overall_score: 7, honesty: 5, label: 7 },
    { 'fine-grained_score': 3.5, label: 3.5 },
  ]);
  const listed: ColumnMapping = { shape: 'responses', prompt: 'p', response: 'answers', label: 'scores' };
  expect(await ratings(listed, [{ p: 'x', answers: '["a","b"]', scores: [1, 2] }])).toEqual([
    { scores: 1 },
    { scores: 2 },
  ]);
});

test('a pair: the labels of its sides', async () => {
  const mapping: ColumnMapping = { shape: 'pair', chosen: 'c', rejected: 'r', chosenLabel: 'cs', prompt: 'p' };
  expect(await ratings(mapping, [{ p: 'x', c: 'a', r: 'b', cs: 4 }])).toEqual([{ label: 4 }, {}]);
});
