/**
 * Steering as it enters and leaves the page (links, preset files): data that a stranger may have written. Objectives go by name,
 * so that weights are never laid over objectives they were not made for.
 */
import * as v from 'valibot';
import { steeringProblem, type ByObjective, type SteerableHead, type Steering } from '@/core/steering.ts';

const finite = v.pipe(v.number(), v.finite());
const objectiveName = v.pipe(v.string(), v.minLength(1), v.maxLength(120));
const byName = v.record(objectiveName, finite);
const responseIndex = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const names = v.pipe(v.array(objectiveName), v.maxLength(256));

/** `Steering` with names in the place of indices; what is absent is as the model has it. */
export const namedSteeringSchema = v.strictObject({
  logitShifts: v.optional(byName),
  temperature: v.optional(v.pipe(finite, v.gtValue(0))),
  muted: v.optional(names),
  soloed: v.optional(names),
  locked: v.optional(names),
  coefficients: v.optional(byName),
  penalties: v.optional(
    v.strictObject({
      base: v.optional(v.picklist(['model', 'none', 'ignore-verbosity'])),
      scale: v.optional(finite),
      /** λ by verbosity objective, then objective. */
      overrides: v.optional(v.record(objectiveName, byName)),
    }),
  ),
});

/** The steering section of a link: the objectives it was made for, the weights, and what of the view they belong to. */
export const linkSteeringSchema = v.strictObject({
  objectives: v.pipe(names, v.minLength(1)),
  weights: namedSteeringSchema,
  handle: v.picklist(['gate', 'coefficients', 'logits', 'penalties']),
  pair: v.tuple([responseIndex, responseIndex]),
});

export type LinkSteering = v.InferOutput<typeof linkSteeringSchema>;
export type NamedSteering = v.InferOutput<typeof namedSteeringSchema>;

/** The steering under the objectives' names; identity steering is `{}`. */
export function namedSteering(steering: Steering, objectives: readonly string[]): NamedSteering {
  const nameOf = (index: number) => objectives[index] ?? String(index);
  const numbers = (record: ByObjective) =>
    Object.fromEntries(Object.entries(record).map(([index, value]) => [nameOf(Number(index)), value]));
  const { logitShifts, temperature, muted, soloed, locked, coefficientOverrides, penalties } = steering;
  const overrides = Object.fromEntries(
    Object.entries(penalties.overrides).map(([index, row]) => [nameOf(Number(index)), numbers(row)]),
  );
  const penalised = {
    ...(penalties.base === 'model' ? {} : { base: penalties.base }),
    ...(penalties.scale === 1 ? {} : { scale: penalties.scale }),
    ...(isEmpty(overrides) ? {} : { overrides }),
  };
  return {
    ...(isEmpty(logitShifts) ? {} : { logitShifts: numbers(logitShifts) }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(muted.length === 0 ? {} : { muted: muted.map(nameOf) }),
    ...(soloed.length === 0 ? {} : { soloed: soloed.map(nameOf) }),
    ...(locked.length === 0 ? {} : { locked: locked.map(nameOf) }),
    ...(isEmpty(coefficientOverrides) ? {} : { coefficients: numbers(coefficientOverrides) }),
    ...(isEmpty(penalised) ? {} : { penalties: penalised }),
  };
}

/**
 * The steering of a link, if it fits the model that is loaded; otherwise why not, in words.
 * @param linkModelId the package the link's maker had, where the link says so.
 */
export function steeringFromLink(
  link: LinkSteering,
  linkModelId: string | undefined,
  model: { readonly id: string; readonly objectives: readonly string[]; readonly head: SteerableHead },
): { readonly steering: Steering } | { readonly problem: string } {
  const { objectives } = model;
  if (link.objectives.length !== objectives.length)
    return refused(`it weighs ${link.objectives.length} objectives, and the loaded model has ${objectives.length}`);
  const other = link.objectives.find((name, index) => name !== objectives[index]);
  if (other !== undefined)
    return refused(
      `its objective ${link.objectives.indexOf(other) + 1} is ${other}, which the loaded model calls
      ${objectives[link.objectives.indexOf(other)] ?? ''}`.replaceAll(/\s+/g, ' '),
    );
  if (linkModelId !== undefined && linkModelId !== model.id)
    return refused(`it was made with the model ${linkModelId}, and ${model.id} is loaded`);
  const read = steeringFromNames(link.weights, objectives);
  if ('unknown' in read) return refused(`it weighs ${read.unknown}, which the loaded model does not have`);
  const problem = steeringProblem(read.steering, model.head);
  return problem === undefined ? read : refused(`it ${problem}`);
}

function refused(why: string): { readonly problem: string } {
  return { problem: `The weights of this link were not applied: ${why}. Yours are as they were.` };
}

/** Back to indices; names the objective the model does not have. */
export function steeringFromNames(
  named: NamedSteering,
  objectives: readonly string[],
): { readonly steering: Steering } | { readonly unknown: string } {
  const unknown = namesIn(named).find((name) => !objectives.includes(name));
  if (unknown !== undefined) return { unknown };
  const indexOf = (name: string) => objectives.indexOf(name);
  const numbers = (record: Readonly<Record<string, number>> = {}): ByObjective =>
    Object.fromEntries(
      Object.entries(record)
        .map(([name, value]) => [indexOf(name), value] as const)
        .sort(([a], [b]) => a - b),
    );
  const members = (list: readonly string[] = []) => [...new Set(list.map(indexOf))].sort((a, b) => a - b);
  const { penalties = {} } = named;
  return {
    steering: {
      logitShifts: numbers(named.logitShifts),
      ...(named.temperature === undefined ? {} : { temperature: named.temperature }),
      muted: members(named.muted),
      soloed: members(named.soloed),
      locked: members(named.locked),
      coefficientOverrides: numbers(named.coefficients),
      penalties: {
        base: penalties.base ?? 'model',
        scale: penalties.scale ?? 1,
        overrides: Object.fromEntries(
          Object.entries(penalties.overrides ?? {}).map(([name, row]) => [indexOf(name), numbers(row)]),
        ),
      },
    },
  };
}

function namesIn({
  logitShifts = {},
  muted = [],
  soloed = [],
  locked = [],
  coefficients = {},
  penalties,
}: NamedSteering) {
  const rows = Object.entries(penalties?.overrides ?? {});
  return [
    ...Object.keys(logitShifts),
    ...Object.keys(coefficients),
    ...muted,
    ...soloed,
    ...locked,
    ...rows.flatMap(([name, row]) => [name, ...Object.keys(row)]),
  ];
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}
