import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { identitySteering, type Steering } from '@/core/steering.ts';
import {
  beginGesture,
  endGesture,
  redoSteering,
  resetSteering,
  resetSteeringStore,
  sameSteering,
  setPair,
  steer,
  steerFresh,
  trackOf,
  undoSteering,
  useSteering,
} from './steering-store.ts';
import { anySteering } from './test-steering.ts';

const model = 'm@1';
const track = () => trackOf(useSteering.getState(), model);
const shift = (objective: number, value: number) => (steering: Steering) => ({
  ...steering,
  logitShifts: { ...steering.logitShifts, [objective]: value },
});

beforeEach(resetSteeringStore);

describe('undo', () => {
  it('returns to the very value, after any sequence of moves, drags, resets and undos', () => {
    const step = fc.oneof(
      anySteering(19, [4]).map((to) => () => steer(model, () => to)),
      anySteering(19, [4]).map((to) => () => steerFresh(model, () => to)),
      fc.constantFrom(
        () => beginGesture(model),
        () => endGesture(model),
        () => undoSteering(model),
        () => redoSteering(model),
        () => resetSteering(model),
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        resetSteeringStore();
        for (const act of steps) act();
        endGesture(model);
        const values = [...track().past, track().steering];
        for (let back = values.length - 2; back >= 0; back -= 1) {
          undoSteering(model);
          expect(track().steering).toBe(values[back]);
        }
        expect(track().steering).toBe(identitySteering);
        for (let forth = 1; forth < values.length; forth += 1) {
          redoSteering(model);
          expect(track().steering).toBe(values[forth]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('takes back a drag as one step, and a drag that ends where it began as none', () => {
    beginGesture(model);
    for (const value of [1, 2, 3]) steer(model, shift(0, value));
    endGesture(model);
    expect(track().past).toHaveLength(1);
    beginGesture(model);
    steer(model, shift(0, 7));
    steer(model, shift(0, 3));
    endGesture(model);
    expect(track().past).toHaveLength(1);
    undoSteering(model);
    expect(track().steering).toBe(identitySteering);
  });

  it('forgets what was undone once another move is made', () => {
    steer(model, shift(0, 1));
    undoSteering(model);
    steer(model, shift(1, 1));
    redoSteering(model);
    expect(track().steering.logitShifts).toEqual({ 1: 1 });
  });
});

it('a gesture leaves no trace of its way: moves start from its beginning', () => {
  steer(model, shift(0, 1));
  beginGesture(model);
  steer(model, shift(1, 5));
  steer(model, shift(2, 6));
  expect(track().steering.logitShifts).toEqual({ 0: 1, 2: 6 });
  // A button pressed meanwhile ends it and acts on what is there.
  steerFresh(model, shift(3, 7));
  expect(track().steering.logitShifts).toEqual({ 0: 1, 2: 6, 3: 7 });
  expect(track().past).toHaveLength(3);
});

it('a move that changes nothing is no step', () => {
  steer(model, shift(0, 1));
  steer(model, shift(0, 1));
  steer(model, (steering) => ({ ...steering, muted: [] }));
  expect(track().past).toHaveLength(1);
});

it('each model has its own steering', () => {
  steer(model, shift(0, 1));
  steer('other@2', shift(1, 2));
  undoSteering('other@2');
  expect(track().steering.logitShifts).toEqual({ 0: 1 });
  expect(trackOf(useSteering.getState(), 'other@2').steering).toBe(identitySteering);
});

it('compares as data', () => {
  expect(sameSteering(shift(0, 1)(shift(1, 2)(identitySteering)), shift(1, 2)(shift(0, 1)(identitySteering)))).toBe(
    true,
  );
  expect(sameSteering(shift(0, 1)(identitySteering), shift(0, 1.0000000001)(identitySteering))).toBe(false);
});

it('a pair is two different responses: choosing the other swaps them', () => {
  setPair(0, 2);
  expect(useSteering.getState().pair).toEqual([0, 2]);
  setPair(2, 2);
  expect(useSteering.getState().pair).toEqual([2, 0]);
  setPair(1, 1);
  expect(useSteering.getState().pair).toEqual([1, 2]);
});
