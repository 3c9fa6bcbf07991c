/**
 * The settings of the next run, as they are typed: serialisable, kept on this machine, checked as they are read. A field holds text
 * only where it differs from its preset, so that a preset can be changed without losing what was set by hand.
 */
import * as v from 'valibot';
import { create } from 'zustand';
import {
  hyperparameterProblem,
  hyperparameters,
  trainingDefaults,
  type HyperparameterKey,
  type TrainingOptions,
} from '@/core/training-options.ts';
import type { HeadOrigin, TrainingDeviceChoice } from './training-run.ts';

/** `small`: the paper's way in a size that a laptop trains while one watches. */
export type TrainingPreset = 'paper' | 'authors-script' | 'small';

export interface TrainingForm {
  readonly preset: TrainingPreset;
  /** Fields that were changed by hand. */
  readonly texts: Readonly<Partial<Record<HyperparameterKey, string>>>;
  readonly device: TrainingDeviceChoice;
  readonly headOrigin: HeadOrigin;
  /** `heads`: the gate that the chosen heads bring. */
  readonly firstWeights: 'fresh' | 'heads';
  /** Objectives the gate may weigh: 0-based indices and ranges (`0-8, 10`), or `all`; empty: those of the heads. */
  readonly active: string;
  /** Σg; empty: that of the first weights, 1 where they are fresh. */
  readonly logitScale: string;
  /** Objective whose correlation Eq 3 takes away: an index, `none`, or `auto` (the model's, ArmoRM's). */
  readonly verbosity: string;
  /** Rows that Eq 3 is solved on. */
  readonly reference: 'stage-1' | 'stage-2';
}

/** What `small` changes, and why. Everything else is the paper's. */
export const smallPreset: Readonly<Partial<Record<HyperparameterKey, { value: number; source: string }>>> = {
  steps: { value: 400, source: 'enough for a few hundred pairs; the paper trains on hundreds of thousands' },
  batchSize: { value: 128, source: 'a third of the sample' },
  hidden: { value: 128, source: 'as wide as the embedded model’s own gate' },
  initialBeta: { value: 30, source: 'milder than the paper’s, which fits rewards of its spread and far more pairs' },
  validationSplit: { value: 0.2, source: 'enough held-out pairs of the sample for a figure' },
  evaluateEvery: { value: 10, source: 'so that the curve is seen to move' },
};

export const initialForm: TrainingForm = {
  preset: 'paper',
  texts: {},
  device: 'automatic',
  headOrigin: 'model',
  firstWeights: 'fresh',
  active: '',
  logitScale: '',
  verbosity: 'auto',
  reference: 'stage-1',
};

const storageKey = 'armoscope.training-form';
const schema = v.object({
  preset: v.picklist(['paper', 'authors-script', 'small']),
  texts: v.record(v.string(), v.pipe(v.string(), v.maxLength(40))),
  device: v.picklist(['automatic', 'webgpu', 'cpu']),
  headOrigin: v.picklist(['model', 'files', 'probes']),
  firstWeights: v.picklist(['fresh', 'heads']),
  active: v.optional(v.pipe(v.string(), v.maxLength(400)), ''),
  logitScale: v.optional(v.pipe(v.string(), v.maxLength(40)), ''),
  verbosity: v.pipe(v.string(), v.maxLength(10)),
  reference: v.picklist(['stage-1', 'stage-2']),
});

/** What was written before, as far as it can be read. */
export function formFromText(text: string | null): TrainingForm {
  if (text === null) return initialForm;
  try {
    const parsed = v.safeParse(schema, JSON.parse(text));
    if (!parsed.success) return initialForm;
    const texts = Object.fromEntries(
      hyperparameters.flatMap(({ key }) => {
        const typed = parsed.output.texts[key];
        return typed === undefined ? [] : [[key, typed]];
      }),
    );
    return { ...parsed.output, texts };
  } catch {
    return initialForm;
  }
}

export const useTrainingForm = create<TrainingForm>(() => formFromText(readStorage()));

export function changeForm(changes: Partial<TrainingForm>): void {
  useTrainingForm.setState(changes);
  writeStorage(useTrainingForm.getState());
}

/** Sets a field by hand; its preset's own text again is no change. */
export function changeField(key: HyperparameterKey, text: string): void {
  const { preset, texts } = useTrainingForm.getState();
  const { [key]: _, ...others } = texts;
  changeForm({ texts: text === presetText(preset, key) ? others : { ...others, [key]: text } });
}

/** Takes back what was set by hand. */
export function resetFields(): void {
  changeForm({ texts: {}, active: '', logitScale: '' });
}

/** The number a preset has for a field, as text; empty where the field follows another. */
export function presetText(preset: TrainingPreset, key: HyperparameterKey): string {
  const small = preset === 'small' ? smallPreset[key] : undefined;
  if (small !== undefined) return String(small.value);
  const entry = hyperparameters.find((each) => each.key === key);
  const value = entry?.defaults[preset === 'authors-script' ? 'authors-script' : 'paper'];
  return value === undefined ? '' : String(value);
}

/** Where the preset's number comes from. */
export function presetSource(preset: TrainingPreset, key: HyperparameterKey): string {
  const small = preset === 'small' ? smallPreset[key] : undefined;
  if (small !== undefined) return small.source;
  const entry = hyperparameters.find((each) => each.key === key);
  return entry?.sources[preset === 'authors-script' ? 'authors-script' : 'paper'] ?? '';
}

export interface FormReading {
  /** Absent where a field cannot be used. */
  readonly options: TrainingOptions | undefined;
  /** Why, in words that follow the field's label. */
  readonly problems: Readonly<Partial<Record<HyperparameterKey, string>>>;
}

/** The form's numbers, checked against the range of each. */
export function readForm({ preset, texts }: Pick<TrainingForm, 'preset' | 'texts'>): FormReading {
  const problems: Partial<Record<HyperparameterKey, string>> = {};
  const mode = preset === 'authors-script' ? 'authors-script' : 'paper';
  const options: { -readonly [K in keyof TrainingOptions]: TrainingOptions[K] } = { ...trainingDefaults(mode) };
  for (const { key } of hyperparameters) {
    const text = (texts[key] ?? presetText(preset, key)).trim();
    if (text === '' && key === 'scheduleSteps') continue;
    if (text === 'all' && key === 'batchSize') {
      options.batchSize = 'all';
      continue;
    }
    const value = text === '' ? Number.NaN : Number(text.replace(',', '.'));
    const problem = Number.isNaN(value)
      ? `must be a number${key === 'batchSize' ? ' or “all”' : ''}, not “${text}”`
      : hyperparameterProblem(key, value);
    if (problem === undefined) options[key] = value;
    else problems[key] = problem;
  }
  return { options: Object.keys(problems).length === 0 ? options : undefined, problems };
}

export interface GateFieldsReading {
  /** Ascending; absent: as the heads say. `all` is every index below `objectives`. */
  readonly activeObjectives: readonly number[] | undefined;
  /** Positive; absent: as the first weights say. */
  readonly logitScale: number | undefined;
  readonly problems: Readonly<Partial<Record<'active' | 'logitScale', string>>>;
}

/**
 * What the gate may weigh and what its weights sum to: the two settings that belong to the gate's form and not to its training.
 * @param objectives how many the heads have; absent: not known yet, and no index is too large.
 */
export function readGateFields(
  { active, logitScale }: Pick<TrainingForm, 'active' | 'logitScale'>,
  objectives?: number,
): GateFieldsReading {
  const problems: Partial<Record<'active' | 'logitScale', string>> = {};
  const scale = logitScale.trim() === '' ? undefined : Number(logitScale.replace(',', '.'));
  if (scale !== undefined && !(scale > 0 && Number.isFinite(scale)))
    problems.logitScale = `must be a positive number, not “${logitScale.trim()}”`;
  const chosen = readIndices(active.trim(), objectives);
  if (typeof chosen === 'string') problems.active = chosen;
  return {
    activeObjectives: typeof chosen === 'string' ? undefined : chosen,
    logitScale: problems.logitScale === undefined ? scale : undefined,
    problems,
  };
}

/** @returns the indices, `undefined` where nothing is said, or the problem in words. */
function readIndices(text: string, objectives: number | undefined): readonly number[] | undefined | string {
  if (text === '') return undefined;
  if (text === 'all') return objectives === undefined ? undefined : Array.from({ length: objectives }, (_, j) => j);
  const chosen = new Set<number>();
  for (const part of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const [, first = '', last = first] = /^(\d{1,4})(?:[-–](\d{1,4}))?$/.exec(part) ?? [];
    if (first === '') return `must be “all” or indices from 0 on, like “0-8, 10”, not “${part}”`;
    if (Number(last) < Number(first)) return `has a range that runs backwards: “${part}”`;
    if (objectives !== undefined && Number(last) >= objectives)
      return `names objective ${last}, but the heads have ${objectives} (0 to ${objectives - 1})`;
    for (let j = Number(first); j <= Number(last); j += 1) chosen.add(j);
  }
  if (chosen.size === 0) return `must name an objective, not “${text}”`;
  return [...chosen].sort((a, b) => a - b);
}

function readStorage(): string | null {
  try {
    return globalThis.localStorage?.getItem(storageKey) ?? null;
  } catch {
    return null;
  }
}

function writeStorage(form: TrainingForm): void {
  try {
    globalThis.localStorage?.setItem(storageKey, JSON.stringify(form));
  } catch {
    // A page that may not store keeps its settings as long as it is open.
  }
}
