import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identitySteering, type Steering } from '@/core/steering.ts';
import { resetObjective } from '@/core/steering-moves.ts';
import type { SteeringHandle } from '@/state/steering-store.ts';
import { handles, handleValues, moveHandle } from './handles.ts';
import { testSubject } from './test-subject.ts';

const { prompt } = testSubject(1, 1);
const value = (handle: SteeringHandle, steering: Steering, j: number) => handleValues(handle, prompt, steering, 4)[j];

describe.each(handles)('the slider of the handle %s', (handle) => {
  it('stands where it was put', () => {
    fc.assert(
      fc.property(fc.nat(18), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (j, share) => {
        const before = value(handle, identitySteering, j);
        if (before === undefined) throw new Error('no slider');
        const wanted = before.minimum + share * (before.maximum - before.minimum);
        const moved = moveHandle(handle, prompt, identitySteering, j, wanted, 4);
        expect(value(handle, moved, j)?.value).toBeCloseTo(wanted, 9);
        expect(value(handle, moved, j)?.baseline).toBe(before.baseline);
      }),
    );
  });

  it('is within its ends, and shows the baseline until it is moved', () => {
    for (const each of handleValues(handle, prompt, identitySteering, 4)) {
      expect(each.value).toBe(each.baseline);
      expect(each.value).toBeGreaterThanOrEqual(each.minimum);
      expect(each.value).toBeLessThanOrEqual(each.maximum);
    }
  });
});

it('weights and logits are two sides of one gate: moving one by weight moves its logit alone', () => {
  const moved = moveHandle('gate', prompt, identitySteering, 3, 0.4, 4);
  const logits = handleValues('logits', prompt, moved, 4);
  expect(logits.filter((each) => each.value !== each.baseline)).toHaveLength(1);
  const back = moveHandle('logits', prompt, moved, 3, logits[3]?.baseline ?? 0, 4);
  expect(back).toEqual(identitySteering);
  expect(resetObjective(prompt, moved, 3)).toEqual(identitySteering);
});
