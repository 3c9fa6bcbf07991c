import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { identitySteering, type SteerableHead, type SteerableResponse } from '@/core/steering.ts';
import { marginShares, ranks, steerResponses } from './steered-responses.ts';

const k = 5;
const head: SteerableHead = {
  objectives: k,
  transform: Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : at === 10 ? -0.3 : 0)),
  gate: { temperature: 2, logitScale: 1.25 },
  verbosityDimensions: [2],
};
const random = new SeededRandom(5);
const numbers = () => Float64Array.from({ length: k }, () => random.normal());
const gateLogits = numbers();
const responses: SteerableResponse[] = Array.from({ length: 4 }, () => ({ rewards: numbers(), gateLogits }));
const steering = { ...identitySteering, logitShifts: { 1: 4 }, coefficientOverrides: { 3: -0.2 } };

describe('baseline beside steered', () => {
  it('differs in no bit under identity steering', () => {
    for (const { baseline, steered, baselineRank, steeredRank } of steerResponses(head, responses, identitySteering)) {
      expect(steered).toEqual(baseline);
      expect(steeredRank).toBe(baselineRank);
    }
  });

  it('gives every response a rank: 1 + how many are higher', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 8 }), (scores) => {
        const given = ranks(scores);
        const sorted = [...scores].sort((a, b) => b - a);
        expect(given).toEqual(
          scores.map((score) => 1 + sorted.findIndex((other) => other === score || (other === 0 && score === 0))),
        );
      }),
    );
  });

  it('shares the margin out among the objectives, exactly', () => {
    const [first, second] = steerResponses(head, responses, steering);
    if (first === undefined || second === undefined) throw new Error('two responses are needed');
    const shares = marginShares(first, second);
    const sum = (key: 'baseline' | 'steered') => shares.reduce((total, share) => total + share[key], 0);
    expect(sum('baseline')).toBeCloseTo(first.baseline.score - second.baseline.score, 12);
    expect(sum('steered')).toBeCloseTo(first.steered.score - second.steered.score, 12);
    expect(first.steered.coefficients[3]).toBe(-0.2);
  });
});
