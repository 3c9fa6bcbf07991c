import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import { makeSteeringBatch, steerableSet } from '@/core/steering-batch.ts';
import { SeededRandom } from '@/base/random.ts';
import { fakeHead, fakeManifest } from '@/engine/fake/fake-model.ts';
import { activeHead } from '@/queries/active-head.ts';
import { groupResponses, MOST_SHOWN, shownRows } from './set-group.ts';
import { flipsByLead, orderByScore, placesOf } from './set-order.ts';

it('orders rows by falling score, equal ones as in the file, and knows the place of each', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 40 }), (values) => {
      const order = orderByScore(Float64Array.from(values), new Uint32Array(values.length));
      const expected = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
      expect([...order]).toEqual(expected);
      const places = placesOf(order, new Uint32Array(values.length));
      expect([...places]).toEqual([...values.keys()].map((row) => expected.indexOf(row) + 1));
    }),
  );
});

it('lists the clearest flip first', () => {
  const scores = {
    flips: Uint32Array.of(0, 2, 3, 9),
    flipCount: 3,
    winners: Uint32Array.of(0, 1, 2, 3),
    leads: Float64Array.of(0.1, 5, 0.7, 0.3),
  };
  expect([...flipsByLead({ ...scores } as Parameters<typeof flipsByLead>[0])]).toEqual([2, 3, 0]);
});

it('shows of a large group the highest, in the file’s order, with the set’s own numbers', () => {
  const random = new SeededRandom(2);
  const k = fakeManifest.objectives.length;
  const numbers = () => Float64Array.from({ length: k }, () => random.normal());
  const builder = new ScoredSetBuilder(fakeManifest.objectives.map(({ name }) => name));
  const gateLogits = numbers();
  const gateWeights = numbers();
  const rows = Array.from({ length: 30 }, (_, row) => ({
    score: (row * 7) % 30,
    rewards: numbers(),
    gateWeights,
    gateLogits,
  }));
  builder.addGroup('g', 1, rows);
  const set = builder.finish();
  const shown = shownRows(set, 0);
  expect(shown).toHaveLength(MOST_SHOWN);
  expect(shown).toEqual([...shown].sort((a, b) => a - b));
  expect(Math.min(...shown.map((row) => rows[row]?.score ?? 0))).toBe(30 - MOST_SHOWN);
  const { head } = activeHead({ manifest: fakeManifest, transform: fakeHead.transform }, undefined);
  const responses = groupResponses(set, head, 0);
  expect(responses.map(({ letter }) => letter).join('')).toBe('ABCDEFGH');
  expect(responses[3]?.unsteered).toEqual({ rewards: rows[shown[3] ?? 0]?.rewards, gateLogits });
  expect(makeSteeringBatch(head, steerableSet(set, head)).baseline.winners).toHaveLength(1);
});
