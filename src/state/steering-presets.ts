/**
 * Ready-made weights: the built-in ones, made for whatever objectives a model has, and the person's own, kept on this machine and
 * exchanged as a JSON file. Presets name objectives, so they fit every model that has them.
 */
import * as v from 'valibot';
import { create } from 'zustand';
import { identitySteering, steeringProblem, type SteerableHead, type Steering } from '@/core/steering.ts';
import { namedSteering, namedSteeringSchema, steeringFromNames, type NamedSteering } from './steering-schema.ts';

export interface BuiltInPreset {
  readonly name: string;
  /** What it does, in one sentence. */
  readonly about: string;
  /** Odds of the objectives whose name matches are multiplied; the first match counts. */
  readonly odds?: readonly (readonly [objectives: RegExp, factor: number])[];
  readonly muted?: RegExp;
  readonly penaltyScale?: number;
}

/** Factors are round numbers a person can say; nothing was fitted to anything. */
export const builtInPresets: readonly BuiltInPreset[] = [
  {
    name: 'Safety first',
    about: 'The odds of every safety objective against the others × 10.',
    odds: [[/safe/, 10]],
  },
  {
    name: 'Concise',
    about: 'Verbosity and complexity muted, and every penalty for verbosity × 1.5.',
    muted: /verbosity|^helpsteer-complexity/,
    penaltyScale: 1.5,
  },
  {
    name: 'Code review',
    about: 'The odds of every code objective against the others × 10.',
    odds: [[/^code-/, 10]],
  },
  {
    name: 'Truth over charm',
    about: 'The odds of truthfulness, honesty and correctness × 10; of helpfulness and overall scores ÷ 4.',
    odds: [
      [/truthfulness|honesty|correctness/, 10],
      [/helpfulness|overall/, 0.25],
    ],
  },
];

/** The steering of a built-in preset; `undefined` where the model has none of its objectives. */
export function builtInSteering(
  { odds = [], muted, penaltyScale }: BuiltInPreset,
  objectives: readonly string[],
  head: SteerableHead,
): Steering | undefined {
  const shifts: Record<number, number> = {};
  for (const [index, name] of objectives.entries()) {
    const factor = odds.find(([pattern]) => pattern.test(name))?.[1];
    if (factor !== undefined) shifts[index] = head.gate.temperature * Math.log(factor);
  }
  const silent = objectives.flatMap((name, index) => (muted?.test(name) === true ? [index] : []));
  if (Object.keys(shifts).length === 0 && silent.length === 0) return undefined;
  const scale = head.verbosityDimensions.length === 0 ? 1 : (penaltyScale ?? 1);
  const steering: Steering = {
    ...identitySteering,
    logitShifts: shifts,
    muted: silent,
    penalties: { ...identitySteering.penalties, scale },
  };
  return steeringProblem(steering, head) === undefined ? steering : undefined;
}

const presetSchema = v.strictObject({
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(120)),
  weights: namedSteeringSchema,
});

export const PRESET_FORMAT = 'armoscope-presets';
export const presetFileSchema = v.strictObject({
  format: v.literal(PRESET_FORMAT),
  formatVersion: v.literal(1),
  presets: v.pipe(v.array(presetSchema), v.maxLength(1000)),
});

export type SavedPreset = v.InferOutput<typeof presetSchema>;

export interface PresetState {
  readonly saved: readonly SavedPreset[];
  /** Why presets cannot be kept on this machine, in words. */
  readonly problem: string | undefined;
}

/** Key of this machine's storage. */
export const PRESET_STORAGE_KEY = 'armoscope-presets';

export const usePresets = create<PresetState>(() => ({ saved: readKept(), problem: undefined }));

/** Keeps weights under a name; a taken name gets a number. @returns the name. */
export function savePreset(name: string, steering: Steering, objectives: readonly string[]): string {
  return addPresets([{ name: name.trim() || 'Unnamed', weights: namedSteering(steering, objectives) }])[0] ?? '';
}

/** Deletes a preset. @returns the way to take that back. */
export function removePreset(name: string): () => void {
  const before = usePresets.getState().saved;
  keep(before.filter((preset) => preset.name !== name));
  return () => keep(before);
}

/** The steering of a saved preset, or why it does not fit the model, in words. */
export function presetSteering(
  weights: NamedSteering,
  objectives: readonly string[],
  head: SteerableHead,
): { readonly steering: Steering } | { readonly problem: string } {
  const read = steeringFromNames(weights, objectives);
  if ('unknown' in read) return { problem: `It weighs ${read.unknown}, which the loaded model does not have.` };
  const problem = steeringProblem(read.steering, head);
  return problem === undefined ? read : { problem: `It ${problem}.` };
}

/** The person's presets as a file. */
export function presetFile(): string {
  const { saved } = usePresets.getState();
  return `${JSON.stringify({ format: PRESET_FORMAT, formatVersion: 1, presets: saved }, undefined, 2)}\n`;
}

/** Adds the presets of a file. @returns their names, or why it is none, in words. */
export function importPresets(text: string): { readonly names: readonly string[] } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'This file is not JSON. Choose one that Armoscope exported.' };
  }
  const parsed = v.safeParse(presetFileSchema, value);
  if (parsed.success) return { names: addPresets(parsed.output.presets) };
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue);
  return {
    problem: `This file holds no presets${where === null ? '' : ` (${where}: ${issue.message})`}. Nothing was added.`,
  };
}

function addPresets(presets: readonly SavedPreset[]): string[] {
  const names: string[] = [];
  keep(
    presets.reduce<readonly SavedPreset[]>((saved, { name, weights }) => {
      const taken = new Set([...saved, ...builtInPresets].map((preset) => preset.name));
      let free = name;
      for (let number = 2; taken.has(free); number++) free = `${name} (${number})`;
      names.push(free);
      return [...saved, { name: free, weights }];
    }, usePresets.getState().saved),
  );
  return names;
}

function keep(saved: readonly SavedPreset[]): void {
  usePresets.setState({ saved });
  try {
    globalThis.localStorage.setItem(PRESET_STORAGE_KEY, presetFile());
    usePresets.setState({ problem: undefined });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    usePresets.setState({
      problem: `Presets cannot be kept on this machine (${reason}). Export them before you leave.`,
    });
  }
}

/** What an earlier visit kept; what another program wrote there is left alone. */
function readKept(): readonly SavedPreset[] {
  try {
    const parsed = v.safeParse(
      presetFileSchema,
      JSON.parse(globalThis.localStorage.getItem(PRESET_STORAGE_KEY) ?? 'null'),
    );
    return parsed.success ? parsed.output.presets : [];
  } catch {
    return [];
  }
}
