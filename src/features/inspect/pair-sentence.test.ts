import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPercent, formatSigned } from '@/components/number-format.ts';
import { pairReasons } from './pair-reasons.ts';
import { pairSentence } from './pair-sentence.ts';
import { testManifest, testResponse } from './test-model.ts';

const manifest = testManifest();
const names = {
  first: 'Response A',
  second: 'Response B',
  objectives: manifest.objectives.map((objective) => objective.name),
};

/** Two responses to one prompt: the same gate, other rewards. */
const pairs = fc.tuple(fc.nat(1e6), fc.nat(1e6)).map(([gate, other]) => {
  const first = testResponse(manifest, gate);
  const { rewards, adjustedRewards } = testResponse(manifest, other + 1e6);
  return [first, { ...first, rewards, adjustedRewards }] as const;
});
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);
const figure = (value: number) => formatSigned(value, 3);
/** The objective's name, not one that it is a part of. */
const mentions = (text: string, index: number) =>
  new RegExp(`${names.objectives[index] ?? 'none'}(?![\\w-])`).test(text);

describe('pairReasons', () => {
  it('are what the scores say', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        const reasons = pairReasons(first, second);
        const margin = dot(first.coefficients, first.rewards) - dot(first.coefficients, second.rewards);
        expect(reasons.margin).toBeCloseTo(Math.abs(margin), 12);
        expect(reasons.winner).toBe(margin > 0 ? 'first' : 'second');
        expect(reasons.steps.reduce((sum, step) => sum + step, 0)).toBeCloseTo(reasons.margin, 12);
        // The same answers under M = I, from the gate and the raw rewards alone.
        const plain = dot(first.gateWeights, first.rewards) - dot(first.gateWeights, second.rewards);
        expect(reasons.uncorrected).toBeCloseTo(margin > 0 ? plain : -plain, 12);
      }),
    );
  });
  it('swapped responses have the same winner and reasons', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        const [one, other] = [pairReasons(first, second), pairReasons(second, first)];
        expect(other.winner).toBe(one.winner === 'first' ? 'second' : 'first');
        expect({ ...other, winner: one.winner }).toEqual(one);
      }),
    );
  });
});

describe('every statement of the sentence holds', () => {
  it('who scores higher, which objectives move the margin most, and what pulls the other way', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        const reasons = pairReasons(first, second);
        const { why } = pairSentence(reasons, names, undefined);
        const firstWins = dot(first.coefficients, first.rewards) > dot(first.coefficients, second.rewards);
        expect(why).toMatch(
          firstWins ? /^Response A scores higher than Response B,/ : /^Response B scores higher than Response A,/,
        );
        const [reason = '', other = ''] = why.split(';');
        const toWinner = [...first.coefficients].map(
          (c, i) => (firstWins ? 1 : -1) * c * ((first.rewards[i] ?? 0) - (second.rewards[i] ?? 0)),
        );
        const [high, low] = [Math.max(...toWinner), Math.min(...toWinner)];
        const top = toWinner.indexOf(high);
        expect(mentions(reason, top)).toBe(true);
        expect(reason).toContain(`(${figure(high)} of a margin of ${figure(reasons.margin)})`);
        const positive = toWinner.reduce((sum, step) => sum + Math.max(0, step), 0);
        expect(reason.includes('mostly because')).toBe(high >= positive / 2);
        // "Higher" and "lower" are about the winner's own raw reward.
        const rewardOf = (response: typeof first) => response.rewards[top] ?? Number.NaN;
        const [better, worse] = firstWins ? [first, second] : [second, first];
        const word = rewardOf(better) > rewardOf(worse) ? 'higher' : 'lower';
        expect(reason).toMatch(new RegExp(`because it rates ${word} on ${names.objectives[top] ?? 'none'}`));
        const counts = (reason.split(' and rates')[0] ?? '').includes('counts against');
        expect(counts).toBe((first.coefficients[top] ?? 0) < 0);
        const expected = low < 0 ? `pulls the other way most (${figure(low)}).` : 'nothing pulls the other way.';
        expect(other.endsWith(expected)).toBe(true);
        expect(low >= 0 || mentions(other, toWinner.indexOf(low))).toBe(true);
      }),
    );
  });
  it('what the correction does, against the same head without it', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        const reasons = pairReasons(first, second);
        const { correction = '' } = pairSentence(reasons, names, undefined);
        const sign = reasons.winner === 'first' ? 1 : -1;
        const without = sign * (dot(first.gateWeights, first.rewards) - dot(first.gateWeights, second.rewards));
        const loser = reasons.winner === 'first' ? 'Response B' : 'Response A';
        expect(correction.includes(`${loser} would score higher`)).toBe(without < 0);
        expect(without <= 0 || correction.includes(figure(without))).toBe(true);
        expect(correction.includes('widens')).toBe(
          without > 0 && reasons.margin > without && figure(reasons.margin) !== figure(without),
        );
      }),
    );
  });
  it('where the gate looks', () => {
    fc.assert(
      fc.property(pairs, ([first, second]) => {
        const { gate = '' } = pairSentence(pairReasons(first, second), names, undefined);
        const top = first.gateWeights.indexOf(Math.max(...first.gateWeights));
        const sum = first.gateWeights.reduce((total, weight) => total + weight, 0);
        expect(mentions(gate, top)).toBe(true);
        expect(gate).toContain(formatPercent((first.gateWeights[top] ?? 0) / sum));
      }),
    );
  });
});

describe('the ends', () => {
  const evaluation = (rewards: number[], coefficients: number[], gateWeights = coefficients) => ({
    rewards: Float64Array.from(rewards),
    coefficients: Float64Array.from(coefficients),
    gateWeights: Float64Array.from(gateWeights),
  });
  const say = (first: ReturnType<typeof evaluation>, second: ReturnType<typeof evaluation>, tooClose?: number) =>
    pairSentence(
      pairReasons(first, second),
      { first: 'A', second: 'B', objectives: ['help', 'length', 'tone'] },
      tooClose,
    );

  it('equal responses', () => {
    const one = evaluation([1, 2], [0.5, 0.5]);
    expect(say(one, one)).toEqual({
      why: 'A and B score the same, because no objective tells them apart.',
      correction: undefined,
      gate: 'For this prompt the gate weighs help most, with 50.0\u00a0% of its weight.',
    });
    expect(say(evaluation([1, 2], [0.5, 0.5]), evaluation([2, 1], [0.5, 0.5])).why).toBe(
      'A and B score exactly the same: what the objectives add and take away cancels out.',
    );
  });
  it('too close to call', () => {
    const [first, second] = [evaluation([1, 2], [0.5, 0.25]), evaluation([0.99, 2.01], [0.5, 0.25])];
    expect(say(first, second, 0.01).why).toBe(
      'A scores higher than B by so little that it is too close to call; what difference there is comes mostly from help ' +
        '(+0.00500); length pulls the other way most (−0.00250).',
    );
    expect(say(first, second, 0.001).why).toMatch(/^A scores higher than B, mostly because/);
  });
  it('less of what counts against a response, nothing against, and a preference the correction made', () => {
    const [first, second] = [
      evaluation([0, 1], [0.5, -0.25], [0.5, 0.5]),
      evaluation([0, 3], [0.5, -0.25], [0.5, 0.5]),
    ];
    expect(say(first, second)).toEqual({
      why:
        'A scores higher than B, mostly because it rates lower on length, which counts against a response here ' +
        '(+0.500 of a margin of +0.500); nothing pulls the other way.',
      correction: 'Without the correction for verbosity B would score higher, by 1.00.',
      gate: 'For this prompt the gate weighs help most, with 50.0\u00a0% of its weight.',
    });
  });
  it('two reasons of like size are both named', () => {
    const [first, second] = [evaluation([1, 1, 1], [0.5, 0.4, 0.4]), evaluation([0, 0, 0], [0.5, 0.4, 0.4])];
    expect(say(first, second).why).toBe(
      'A scores higher than B, first of all because it rates higher on help (+0.500 of a margin of +1.30) and rates higher ' +
        'on length (+0.400); nothing pulls the other way.',
    );
  });
});
