/** The recorded scores of the written pairs are still the embedded package's own. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { comparisonsOf } from '@/core/scored-set.ts';
import { scoresUnderTransform } from '@/core/set-scores.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { writtenPairsSet, type RecordedPairs } from '@/formats/written-pairs.ts';
import { embeddedPackage } from './example-scores.ts';
import { createCliEngine } from './node-engine.ts';
import { recordedPairsFile, scorePairs, writtenPairs } from './record-pairs.ts';

const engine = createCliEngine();
const pairs = writtenPairs();
const recorded: RecordedPairs = JSON.parse(readFileSync(recordedPairsFile, 'utf8'));
let model: LoadedModel;

beforeAll(async () => {
  model = await engine.load({ kind: 'directory', path: embeddedPackage }, { provider: 'native' });
}, 300_000);
afterAll(() => engine.dispose());

test('every pair is recorded, with the scores that the package’s head makes of its rewards', () => {
  expect(recorded.model).toBe(model.manifest.id);
  expect(recorded.pairs).toHaveLength(pairs.length);
  const set = writtenPairsSet(pairs, recorded.pairs, {
    objectives: model.manifest.objectives.map(({ name }) => name),
    modelId: model.manifest.id,
    head: { transform: model.transform },
  });
  expect(comparisonsOf(set).chosen).toHaveLength(pairs.length);
  for (const [row, score] of scoresUnderTransform(set, model.transform).entries())
    expect(Math.abs(score - set.scores[row]!)).toBeLessThan(1e-7);
  expect(Math.min(...set.responseTokens)).toBeGreaterThan(0);
});

test('scored again, a text, a conversation and a system message give what is recorded', async () => {
  const indices = [0, 42, 47];
  expect(indices.map((index) => pairs[index]?.messages.length)).toEqual([1, 3, 2]);
  const again = await scorePairs(
    engine,
    indices.map((index) => pairs[index]!),
  );
  for (const [at, index] of indices.entries())
    for (const side of [0, 1] as const) {
      const [now, then] = [again[at]![side], recorded.pairs[index]![side]];
      expect(now.responseTokens).toBe(then.responseTokens);
      expect(Math.abs(now.score - then.score)).toBeLessThan(5e-5);
      for (let j = 0; j < 19; j++) expect(Math.abs(now.rewards[j]! - then.rewards[j]!)).toBeLessThan(5e-5);
    }
}, 300_000);
