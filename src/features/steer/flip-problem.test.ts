import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applySteering, identitySteering } from '@/core/steering.ts';
import { setLocked } from '@/core/steering-moves.ts';
import { appliedFlip, flipSentence, pairFlip, type FlipMeasure } from './flip-problem.ts';
import { testSubject } from './test-subject.ts';

describe.each<FlipMeasure>(['l1', 'kl'])('the %s flip', (measure) => {
  it('applied to the steering, makes the other response win by next to nothing', () => {
    let flipped = 0;
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(18), (seed, locked) => {
        const subject = testSubject(seed, 2, setLocked(identitySteering, locked, true));
        const found = pairFlip(subject, measure);
        if (found === undefined || !found.flip.possible) return;
        flipped += 1;
        const { head, gateLogits } = subject.prompt;
        const steering = appliedFlip(subject, subject.steering, found);
        const score = (rewards: Float64Array) => applySteering(head, { rewards, gateLogits }, steering).score;
        const margin = score(found.winner.baseline.rewards) - score(found.loser.baseline.rewards);
        expect(margin).toBeLessThan(0);
        expect(margin).toBeGreaterThan(-1e-4);
        const weights = applySteering(
          head,
          { rewards: found.winner.baseline.rewards, gateLogits },
          steering,
        ).gateWeights;
        expect(weights[locked]).toBeCloseTo(subject.first.steered.gateWeights[locked] ?? Number.NaN, 12);
      }),
      { numRuns: 200 },
    );
    expect(flipped).toBeGreaterThan(100);
  });
});

it('says in words what moves, or why nothing can', () => {
  const subject = testSubject(7, 2);
  const names = subject.objectives.map(({ name }) => name);
  const found = pairFlip(subject, 'l1');
  if (found === undefined) throw new Error('a pair is needed');
  expect(flipSentence(found, names, 1.25)).toMatch(/^Moving .* of the gate from .* to .* makes [AB] win\.$/);
  const proof = {
    possible: false,
    lowestMargin: 0.25,
    objective: 3,
    leastDifference: 0.2,
    freeMass: 1.25,
    heldMargin: 0,
  } as const;
  expect(flipSentence({ ...found, flip: proof }, names, 1.25)).toMatch(
    /^No gate can make [AB] win\. .* is helpsteer-complexity, and even with all free weight on it [AB] stays ahead by \+0\.2500/,
  );
});
