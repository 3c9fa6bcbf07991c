import { expect, test } from 'vitest';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import { scorePublishedExample } from './published-example.ts';

test('the example is scored by the loaded model, and its numbers stand beside the card’s', async () => {
  const engine = createFakeEngine();
  const { manifest } = await engine.load({ kind: 'url', url: 'https://example.org/' });
  const comparison = await scorePublishedExample(engine, manifest);
  const { responses } = await engine.score({
    messages: [{ role: 'user', content: 'What are some synonyms for the word "beautiful"?' }],
    responses: ['Nicely, Beautifully, Handsome, Stunning, Wonderful, Gorgeous, Pretty, Stunning, Elegant'],
  });
  const [scored] = responses;
  expect(comparison.rows.map(({ ours }) => ours)).toEqual([
    ...[0, 1, 2, 3, 4].map((j) => 5 * (scored?.rewards[j] ?? Number.NaN) - 0.5),
    ...[14, 4, 6].map((j) => scored?.coefficients[j]),
  ]);
  // A head of random numbers.
  expect(comparison.verdict).toBe('differs');
  await engine.dispose();
});
