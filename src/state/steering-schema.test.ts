import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import { identitySteering, steeringProblem, type SteerableHead, type Steering } from '@/core/steering.ts';
import { decodeLink, encodeLink } from './link-codec.ts';
import {
  linkSteeringSchema,
  namedSteering,
  steeringFromLink,
  steeringFromNames,
  type LinkSteering,
} from './steering-schema.ts';
import { anySteering } from './test-steering.ts';

const objectives = ARMORM_OBJECTIVES.map(({ name }) => name);
const k = objectives.length;
const head: SteerableHead = {
  objectives: k,
  transform: Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : 0)),
  gate: { temperature: 10, logitScale: 1 },
  verbosityDimensions: [4],
};
const model = { id: 'm@1', objectives, head };

function linkOf(steering: Steering, change: Partial<LinkSteering> = {}): LinkSteering {
  return { objectives, weights: namedSteering(steering, objectives), handle: 'gate', pair: [0, 1], ...change };
}

function sent(steering: LinkSteering) {
  const link = encodeLink({ v: 1, model: { from: 'embedded', id: 'm@1' }, view: { name: 'steer' }, steering });
  if (!link.ok) throw new Error(link.problem.message);
  const received = decodeLink(link.packed);
  if (!received.ok) throw new Error(received.problem.message);
  return received.state;
}

describe('a link', () => {
  it('carries any steering to the bit', () => {
    fc.assert(
      fc.property(anySteering(k, [4]), (steering) => {
        const state = sent(linkOf(steering));
        if (state.steering === undefined) throw new Error('the steering is gone');
        const opened = steeringFromLink(state.steering, state.model.id, model);
        // What the model could not be steered by is refused, in words; everything else arrives as it was.
        const fits = steeringProblem(steering, head) === undefined;
        expect('steering' in opened).toBe(fits);
        expect('steering' in opened ? opened.steering : steering).toEqual(steering);
        expect('problem' in opened ? opened.problem : '').toMatch(fits ? /^$/ : /were not applied: it /);
      }),
      { numRuns: 500 },
    );
  });

  it('says nothing where nothing is steered', () => {
    expect(namedSteering(identitySteering, objectives)).toEqual({});
    expect(steeringFromNames({}, objectives)).toEqual({ steering: identitySteering });
  });

  it.each([
    ['another number of objectives', { objectives: objectives.slice(1) }, 'm@1', /weighs 18 objectives.* has 19/],
    [
      'another name',
      { objectives: objectives.with(2, 'charm') },
      'm@1',
      /objective 3 is charm, .* helpsteer-coherence/,
    ],
    ['another model', {}, 'other@2', /made with the model other@2, and m@1 is loaded/],
    ['an unknown objective', { weights: { muted: ['charm'] } }, 'm@1', /weighs charm/],
    ['nothing left to sound', { weights: { muted: objectives } }, 'm@1', /mutes every objective/],
  ] as const)('is refused in words for %s', (_, change, from, words) => {
    const link = linkOf(identitySteering, change as Partial<LinkSteering>);
    expect(steeringFromLink(link, from, model)).toEqual({ problem: expect.stringMatching(words) as string });
  });

  it('that a stranger wrote is refused by key', () => {
    const bad = [
      { ...linkOf(identitySteering), handle: 'none' },
      { ...linkOf(identitySteering), weights: { temperature: 0 } },
      { ...linkOf(identitySteering), weights: { logitShifts: { charm: 'much' } } },
      { ...linkOf(identitySteering), more: 1 },
    ];
    for (const section of bad) expect(v.safeParse(linkSteeringSchema, section).success).toBe(false);
  });
});
