/** Any steering that fits a head, and any sequence of it, for property tests. */
import * as fc from 'fast-check';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import type { Steering } from '@/core/steering.ts';
import { namedSteering, type LinkSteering } from './steering-schema.ts';

/** Numbers as hands and links make them; −0 is 0 to every slider. */
const number = fc.double({ min: -1e5, max: 1e5, noNaN: true }).map((value) => value + 0);

function record(objectives: number, value: fc.Arbitrary<number> = number) {
  return fc.dictionary(fc.integer({ min: 0, max: objectives - 1 }).map(String), value, { maxKeys: 6 });
}

function members(objectives: number, maxLength: number) {
  return fc
    .uniqueArray(fc.integer({ min: 0, max: objectives - 1 }), { maxLength })
    .map((list) => list.sort((a, b) => a - b));
}

/** Steering of a head with `objectives` objectives, the gate free to weigh them all. */
export function anySteering(objectives: number, verbosityDimensions: readonly number[]): fc.Arbitrary<Steering> {
  return fc
    .record({
      logitShifts: record(objectives),
      temperature: fc.option(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { nil: undefined }),
      muted: members(objectives, Math.floor(objectives / 2)),
      soloed: members(objectives, 3),
      locked: members(objectives, 4),
      coefficientOverrides: record(objectives),
      base: fc.constantFrom('model' as const, 'none' as const, 'ignore-verbosity' as const),
      scale: fc.double({ min: -10, max: 10, noNaN: true }).map((value) => value + 0),
      rows: fc
        .subarray([...verbosityDimensions])
        .chain((chosen) => fc.tuple(...chosen.map((v) => fc.tuple(fc.constant(v), record(objectives))))),
    })
    .map(({ temperature, base, scale, rows, soloed, ...rest }) => ({
      ...rest,
      ...(temperature === undefined ? {} : { temperature }),
      soloed: soloed.filter((objective) => !rest.muted.includes(objective)),
      penalties: {
        base,
        scale,
        overrides: Object.fromEntries(rows.filter(([, row]) => Object.keys(row).length > 0)),
      },
    }));
}

/** The steering section of any link to ArmoRM's objectives. */
export const anyLinkSteering: fc.Arbitrary<LinkSteering> = fc
  .record({
    steering: anySteering(ARMORM_OBJECTIVES.length, [4]),
    handle: fc.constantFrom('gate' as const, 'coefficients' as const, 'logits' as const, 'penalties' as const),
    pair: fc.tuple(fc.nat(7), fc.nat(7)),
  })
  .map(({ steering, handle, pair }) => {
    const objectives = ARMORM_OBJECTIVES.map(({ name }) => name);
    return { objectives, weights: namedSteering(steering, objectives), handle, pair };
  });
