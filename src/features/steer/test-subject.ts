/** A subject of the Steer view for tests of this folder: seeded responses to one prompt under the head of the fake model. */
import { SeededRandom } from '@/base/random.ts';
import type { Steering } from '@/core/steering.ts';
import { identitySteering } from '@/core/steering.ts';
import { fakeHead, fakeManifest } from '@/engine/fake/fake-model.ts';
import { activeHead } from '@/queries/active-head.ts';
import { steerResponses } from './steered-responses.ts';
import type { SteerSubject } from './use-steer-subject.ts';

export function testSubject(seed: number, count: number, steering: Steering = identitySteering): SteerSubject {
  const active = activeHead({ manifest: fakeManifest, transform: fakeHead.transform }, undefined);
  const random = new SeededRandom(seed);
  const numbers = (spread: number) =>
    Float64Array.from({ length: fakeManifest.objectives.length }, () => spread * random.normal());
  const gateLogits = numbers(10);
  const raw = Array.from({ length: count }, () => ({ rewards: numbers(1), gateLogits }));
  const responses = steerResponses(active.head, raw, steering).map((numbersOf, index) => ({
    letter: String.fromCharCode(65 + index),
    index,
    text: undefined,
    ...numbersOf,
  }));
  const [first, second] = responses;
  if (first === undefined) throw new Error('a subject needs a response');
  return {
    modelId: fakeManifest.id,
    active,
    objectives: fakeManifest.objectives,
    steering,
    fromSet: false,
    prompt: { head: active.head, gateLogits },
    responses,
    first,
    second,
  };
}
