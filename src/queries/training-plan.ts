/** From what was chosen to a run, or to what is missing, in words. Pure. */
import { identityTransform } from '@/core/debias.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { TrainingOptions } from '@/core/training-options.ts';
import type { HeadParts } from '@/formats/head-files.ts';
import type { DataFile, FeatureSummary } from '@/jobs/api/training.ts';
import type { ProbeSummary } from '@/state/probe-store.ts';
import type { ChosenFiles } from '@/state/training-data.ts';
import { readGateFields, type TrainingForm } from '@/state/training-form.ts';
import type { LinearParts, RunParts } from '@/state/training-storage.ts';
import type { RunPlan } from '@/state/training-store.ts';

/** The loaded model, as far as training needs it. */
export interface TrainingModel {
  readonly id: string;
  readonly name: string;
  readonly head: RewardHead;
  /** Learned scale of its own training; 1 where it is not known. */
  readonly beta: number;
}

export interface PlanInputs {
  readonly form: Pick<TrainingForm, 'device' | 'headOrigin' | 'firstWeights' | 'active' | 'logitScale'>;
  readonly options: TrainingOptions | undefined;
  readonly pairs:
    | { readonly chosen: ChosenFiles; readonly summary: FeatureSummary; readonly files: readonly DataFile[] }
    | undefined;
  readonly model: TrainingModel | undefined;
  readonly fileHeads: { readonly parts: HeadParts; readonly names: readonly string[] } | undefined;
  readonly probes: { readonly summary: ProbeSummary; readonly parts: LinearParts } | undefined;
}

/** Some field of the form cannot be read; the form says which and why. */
export const unusableSettings = 'Some settings cannot be used: they are marked below.';

type Missing = { readonly problem: string };

interface Heads {
  readonly objectives: number;
  readonly featureSize: number;
  readonly linear: LinearParts;
  readonly words: string;
  readonly activeObjectives: readonly number[] | undefined;
  /** A gate that belongs to them. */
  readonly gate: Pick<RunParts, 'initialGate' | 'logitScale'> | undefined;
}

/** The run that "Train gate" starts. */
export function planRun(inputs: PlanInputs): { readonly plan: RunPlan } | Missing {
  const { form, options, pairs, model } = inputs;
  if (pairs === undefined)
    return { problem: 'The gate learns from preference pairs: drop stage-2 features, or use the sample.' };
  if (options === undefined) return { problem: unusableSettings };
  const heads = chosenHeads(inputs);
  if ('problem' in heads) return heads;
  const { summary, chosen, files } = pairs;
  if (summary.featureSize !== heads.featureSize)
    return {
      problem:
        `The features are ${summary.featureSize} wide, but ${heads.words} take ${heads.featureSize}. ` +
        'Features and heads must come from the same backbone: choose its heads, or fit probes to its labelled features.',
    };
  const fromHeads = form.firstWeights === 'heads';
  if (fromHeads && heads.gate === undefined)
    return { problem: `There is no gate in ${heads.words} to begin from. Begin from fresh weights.` };
  const chosenGate = readGateFields(form, heads.objectives);
  if (Object.keys(chosenGate.problems).length > 0) return { problem: unusableSettings };
  const fits = model?.head.featureSize === heads.featureSize;
  const usable = fits && model.head.objectives === heads.objectives;
  const first = fromHeads ? heads.gate : undefined;
  return {
    plan: {
      description: {
        options,
        device: form.device,
        data: { names: chosen.names, bytes: chosen.bytes, sample: chosen.sample },
        headOrigin: form.headOrigin,
        headWords: heads.words,
        firstWeights: fromHeads ? `the gate of ${heads.words}` : `fresh weights, seed ${options.seed}`,
        objectives: heads.objectives,
        featureSize: heads.featureSize,
        modelId: usable ? model.id : undefined,
      },
      files,
      parts: {
        linear: heads.linear,
        activeObjectives: chosenGate.activeObjectives ?? heads.activeObjectives,
        initialGate: first?.initialGate,
        logitScale: chosenGate.logitScale ?? first?.logitScale,
        original: fits ? { ...model.head, name: model.name, beta: model.beta } : undefined,
      },
    },
  };
}

function chosenHeads({ form, model, fileHeads, probes }: PlanInputs): Heads | Missing {
  if (form.headOrigin === 'files') {
    if (fileHeads === undefined)
      return { problem: 'Drop a file with a regression layer first, or choose other heads.' };
    return headsFromFiles(fileHeads);
  }
  if (form.headOrigin === 'probes') {
    if (probes === undefined)
      return { problem: 'No probes are fitted yet: press “Fit probes”, or train the whole pipeline.' };
    const { objectives, featureSize, names } = probes.summary;
    const labelled = probes.summary.probes.flatMap((probe, j) => (probe === undefined ? [] : [j]));
    return {
      objectives,
      featureSize,
      linear: probes.parts,
      words: `the probes of ${names.join(', ')}`,
      activeObjectives: labelled.length === objectives ? undefined : labelled,
      gate: undefined,
    };
  }
  if (model === undefined)
    return { problem: 'The model’s own heads are not there yet: wait until it is loaded, or choose other heads.' };
  const { objectives, featureSize, regression, transform, gate } = model.head;
  return {
    objectives,
    featureSize,
    linear: { regression, transform },
    words: `the heads of ${model.name}`,
    activeObjectives: gate.activeObjectives,
    gate: { initialGate: gate.layers, logitScale: gate.logitScale },
  };
}

function headsFromFiles({ parts, names }: NonNullable<PlanInputs['fileHeads']>): Heads | Missing {
  const { objectives, featureSize, regression, transform, gateLayers, logitScale, activeObjectives } = parts;
  const words = names.join(', ');
  if (regression === undefined || objectives === undefined || featureSize === undefined)
    return {
      problem: `${words} brings no regression layer (regression_layer.weight), whose rewards the gate weighs. Drop the file that has it together with this one.`,
    };
  return {
    objectives,
    featureSize,
    linear: { regression, transform: transform ?? identityTransform(objectives) },
    words: transform === undefined ? `${words} without a reward transform (M is the identity)` : words,
    activeObjectives,
    gate: gateLayers === undefined ? undefined : { initialGate: gateLayers, logitScale },
  };
}
