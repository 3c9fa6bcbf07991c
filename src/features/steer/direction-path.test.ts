import { expect, it } from 'vitest';
import { crossingsOf } from '@/core/steered-path.ts';
import { applySteering, identitySteering } from '@/core/steering.ts';
import { setGateWeights } from '@/core/steering-moves.ts';
import { directionPath, gateAt, pathPoint } from './direction-path.ts';
import { testSubject } from './test-subject.ts';

it('the scores on the way are those of the gate on the way, and ranks swap where they cross', () => {
  const subject = testSubject(3, 6);
  const path = directionPath(subject, 'toward');
  if (path?.gates === undefined) throw new Error('the way is missing');
  const { head, gateLogits } = subject.prompt;
  for (const t of [0.1, 0.35, 0.8]) {
    const steering = setGateWeights(subject.prompt, identitySteering, gateAt(path.gates, t));
    const { scores, ranks } = pathPoint(path, t);
    const steered = subject.responses.map(
      ({ baseline }) => applySteering(head, { rewards: baseline.rewards, gateLogits }, steering).score,
    );
    for (const [index, score] of steered.entries()) {
      expect(scores[index]).toBeCloseTo(score, 10);
      expect(ranks[index]).toBe(1 + steered.filter((other) => other > score).length);
    }
  }
  for (const { t, leader, overtaker } of crossingsOf(path.from, path.to)) {
    const { scores } = pathPoint(path, t);
    expect(scores[leader]).toBeCloseTo(scores[overtaker] ?? Number.NaN, 12);
  }
});

it('the way that was made leads from the baseline to what is steered', () => {
  const subject = testSubject(4, 4, { ...identitySteering, coefficientOverrides: { 0: 2 } });
  const path = directionPath(subject, 'made');
  expect([...(path?.from ?? [])]).toEqual(subject.responses.map(({ baseline }) => baseline.score));
  expect([...(path?.to ?? [])]).toEqual(subject.responses.map(({ steered }) => steered.score));
});
