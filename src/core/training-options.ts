/**
 * Every hyperparameter of a gate training run: its default, where that default comes from, its range, and what it does.
 *
 * Two modes. `paper` follows arXiv 2406.12845 (Eq 5 on adjusted rewards, β learned). `authors-script` does what the published
 * script does where it leaves the paper (armorm.md "Where the authors' scripts leave the paper"), and `authorsScriptConsequences`
 * says what follows from it. Plain data: a run's options are stored beside its checkpoint.
 */
import { DataError } from './errors.ts';

export type TrainingMode = 'paper' | 'authors-script';

export interface TrainingOptions {
  readonly mode: TrainingMode;
  readonly steps: number;
  /** Pairs a step; `all` takes every training pair in file order at every step. */
  readonly batchSize: number | 'all';
  readonly learningRate: number;
  /** T of the cosine; absent: `steps`. The rate is zero after it. */
  readonly scheduleSteps?: number;
  readonly weightDecay: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  /** β before the first step. */
  readonly initialBeta: number;
  /** τ of the softmax over objectives. */
  readonly temperature: number;
  /** Width of every hidden layer. */
  readonly hidden: number;
  readonly hiddenLayers: number;
  readonly dropout: number;
  readonly seed: number;
  /** Share of the prompts that is held out for evaluation; pairs of one prompt stay together. */
  readonly validationSplit: number;
  /** Steps between two evaluations on the held-out pairs. */
  readonly evaluateEvery: number;
  /** Evaluations without a better held-out loss after which the run stops; 0: never. */
  readonly earlyStop: number;
}

/** Hyperparameters that are numbers; `batchSize` may also be `all`. */
export type HyperparameterKey = Exclude<keyof TrainingOptions, 'mode'>;

export interface Hyperparameter {
  readonly key: HyperparameterKey;
  readonly label: string;
  /** Default by mode; `undefined`: follows another (the schedule follows the steps). */
  readonly defaults: Readonly<Record<TrainingMode, number | undefined>>;
  /** Where the default comes from, by mode. */
  readonly sources: Readonly<Record<TrainingMode, string>>;
  readonly minimum: number;
  readonly maximum: number;
  /** The minimum itself is not allowed. */
  readonly aboveMinimum?: boolean;
  /** The maximum itself is not allowed. */
  readonly belowMaximum?: boolean;
  readonly whole: boolean;
  /** One sentence: what it does. */
  readonly help: string;
}

const paper = 'arXiv 2406.12845, implementation of the gating layer';
const script = 'RLHFlow/RLHF-Reward-Modeling armo-rm/stage-2_train.py at 4cc5448';
const pytorch = 'torch.optim.AdamW’s default, which paper and script leave as it is';
const ours = 'ours: paper and script do not say';
const million = 1_000_000;

/** In the order a form shows them. */
export const hyperparameters: readonly Hyperparameter[] = [
  {
    key: 'steps',
    label: 'Steps',
    defaults: { paper: 10_000, 'authors-script': 2000 },
    sources: { paper, 'authors-script': script },
    minimum: 1,
    maximum: 10 * million,
    whole: true,
    help: 'Updates of the gate.',
  },
  {
    key: 'batchSize',
    label: 'Batch size',
    defaults: { paper: 1024, 'authors-script': 1024 },
    sources: { paper, 'authors-script': script },
    minimum: 1,
    maximum: million,
    whole: true,
    help: 'Preference pairs a step; all of them where there are fewer.',
  },
  {
    key: 'learningRate',
    label: 'Learning rate',
    defaults: { paper: 1e-3, 'authors-script': 1e-3 },
    sources: { paper, 'authors-script': script },
    minimum: 0,
    maximum: 1,
    whole: false,
    help: 'Size of the first steps of AdamW; it falls to zero along half a cosine.',
  },
  {
    key: 'scheduleSteps',
    label: 'Schedule length',
    defaults: { paper: undefined, 'authors-script': undefined },
    sources: { paper: 'as long as the run', 'authors-script': script },
    minimum: 1,
    maximum: 10 * million,
    whole: true,
    help: 'Steps over which the learning rate falls to zero; as many as the run has where it is left empty.',
  },
  {
    key: 'weightDecay',
    label: 'Weight decay',
    defaults: { paper: 0.01, 'authors-script': 0 },
    sources: { paper: pytorch, 'authors-script': script },
    minimum: 0,
    maximum: 10,
    whole: false,
    help: 'How strongly weights and biases are pulled to zero, apart from the gradient; never applied to β.',
  },
  {
    key: 'adamBeta1',
    label: 'AdamW β₁',
    defaults: { paper: 0.9, 'authors-script': 0.9 },
    sources: { paper: pytorch, 'authors-script': pytorch },
    minimum: 0,
    maximum: 1,
    belowMaximum: true,
    whole: false,
    help: 'Memory of the mean gradient.',
  },
  {
    key: 'adamBeta2',
    label: 'AdamW β₂',
    defaults: { paper: 0.999, 'authors-script': 0.999 },
    sources: { paper: pytorch, 'authors-script': pytorch },
    minimum: 0,
    maximum: 1,
    belowMaximum: true,
    whole: false,
    help: 'Memory of the squared gradient.',
  },
  {
    key: 'adamEpsilon',
    label: 'AdamW ε',
    defaults: { paper: 1e-8, 'authors-script': 1e-8 },
    sources: { paper: pytorch, 'authors-script': pytorch },
    minimum: 0,
    maximum: 1,
    aboveMinimum: true,
    whole: false,
    help: 'Keeps the division by the root of the squared gradient finite.',
  },
  {
    key: 'initialBeta',
    label: 'Initial β',
    defaults: { paper: 100, 'authors-script': 1 },
    sources: { paper, 'authors-script': `${script}: it has no β, which is β = 1 that is not learned` },
    minimum: 0,
    maximum: million,
    whole: false,
    help: 'Scale of the margin in Eq 5; learned from this value on.',
  },
  {
    key: 'temperature',
    label: 'Gate temperature',
    defaults: { paper: 10, 'authors-script': 10 },
    sources: { paper: 'the published checkpoint’s modeling_custom.py', 'authors-script': script },
    minimum: 0,
    aboveMinimum: true,
    maximum: million,
    whole: false,
    help: 'Divides the gate’s logits before the softmax: the higher, the more even the weights.',
  },
  {
    key: 'hidden',
    label: 'Hidden width',
    defaults: { paper: 1024, 'authors-script': 1024 },
    sources: { paper, 'authors-script': script },
    minimum: 1,
    maximum: 65_536,
    whole: true,
    help: 'Units of every hidden layer of the gate.',
  },
  {
    key: 'hiddenLayers',
    label: 'Hidden layers',
    defaults: { paper: 3, 'authors-script': 3 },
    sources: { paper, 'authors-script': script },
    minimum: 0,
    maximum: 32,
    whole: true,
    help: 'Hidden layers of the gate, each with ReLU.',
  },
  {
    key: 'dropout',
    label: 'Dropout',
    defaults: { paper: 0, 'authors-script': 0.2 },
    sources: { paper: 'the paper names none', 'authors-script': script },
    minimum: 0,
    maximum: 1,
    belowMaximum: true,
    whole: false,
    help: 'Probability that a hidden unit is left out of a step.',
  },
  {
    key: 'seed',
    label: 'Seed',
    defaults: { paper: 0, 'authors-script': 0 },
    sources: { paper: ours, 'authors-script': ours },
    minimum: 0,
    maximum: 2 ** 32 - 1,
    whole: true,
    help: 'Starts the first weights, the order of the pairs, dropout and the split: the same seed, the same run.',
  },
  {
    key: 'validationSplit',
    label: 'Held-out share',
    defaults: { paper: 0.1, 'authors-script': 0.2 },
    sources: { paper: ours, 'authors-script': `${script}, by pair there; by prompt here` },
    minimum: 0,
    maximum: 1,
    belowMaximum: true,
    whole: false,
    help: 'Share of the prompts that is never trained on. Pairs of one prompt stay on one side.',
  },
  {
    key: 'evaluateEvery',
    label: 'Evaluate every',
    defaults: { paper: 100, 'authors-script': 100 },
    sources: { paper: ours, 'authors-script': ours },
    minimum: 1,
    maximum: million,
    whole: true,
    help: 'Steps between two evaluations on the held-out pairs.',
  },
  {
    key: 'earlyStop',
    label: 'Early stop after',
    defaults: { paper: 0, 'authors-script': 0 },
    sources: { paper: 'the paper trains to the end', 'authors-script': script },
    minimum: 0,
    maximum: million,
    whole: true,
    help: 'Evaluations without a better held-out loss after which the run ends with its best gate; 0: never.',
  },
];

/** The defaults of a mode. */
export function trainingDefaults(mode: TrainingMode): TrainingOptions {
  const value = (key: HyperparameterKey): number =>
    hyperparameters.find((entry) => entry.key === key)?.defaults[mode] ?? 0;
  return {
    mode,
    steps: value('steps'),
    batchSize: value('batchSize'),
    learningRate: value('learningRate'),
    weightDecay: value('weightDecay'),
    adamBeta1: value('adamBeta1'),
    adamBeta2: value('adamBeta2'),
    adamEpsilon: value('adamEpsilon'),
    initialBeta: value('initialBeta'),
    temperature: value('temperature'),
    hidden: value('hidden'),
    hiddenLayers: value('hiddenLayers'),
    dropout: value('dropout'),
    seed: value('seed'),
    validationSplit: value('validationSplit'),
    evaluateEvery: value('evaluateEvery'),
    earlyStop: value('earlyStop'),
  };
}

/** Why a value cannot be used, in words that follow the label; `undefined` when it can. */
export function hyperparameterProblem(key: HyperparameterKey, value: number): string | undefined {
  const entry = hyperparameters.find((candidate) => candidate.key === key);
  if (entry === undefined) return 'is not a hyperparameter';
  const { minimum, maximum, whole, aboveMinimum, belowMaximum } = entry;
  if (!Number.isFinite(value)) return `must be a number, not ${value}`;
  if (whole && !Number.isInteger(value)) return `must be a whole number, not ${value}`;
  if (value < minimum || (aboveMinimum === true && value === minimum))
    return `must be ${aboveMinimum === true ? 'above' : 'at least'} ${minimum}, not ${value}`;
  if (value > maximum || (belowMaximum === true && value === maximum))
    return `must be ${belowMaximum === true ? 'below' : 'at most'} ${maximum}, not ${value}`;
  return undefined;
}

/** @throws DataError naming the first hyperparameter that cannot be used. */
export function checkTrainingOptions(options: TrainingOptions): void {
  for (const { key, label } of hyperparameters) {
    const value = options[key];
    if (value === undefined || value === 'all') continue;
    const problem = hyperparameterProblem(key, value);
    if (problem !== undefined) throw new DataError(label, problem);
  }
}

/** One way in which a run in the authors' way differs from the paper, and what follows. */
export interface ModeConsequence {
  readonly paper: string;
  readonly script: string;
  readonly consequence: string;
}

/** What `authors-script` means (armorm.md "Where the authors' scripts leave the paper"; proven in gate-trainer's tests). */
export const authorsScriptConsequences: readonly ModeConsequence[] = [
  {
    paper: 'The softmax runs over the objectives.',
    script: 'The softmax runs over chosen and rejected (dim=1 of a [B, 2, k] tensor).',
    consequence:
      'Both rows of a pair hold the same prompt, so every gate weight is exactly half of logit_scale and the gate’s gradient is ' +
      'exactly zero without dropout. With dropout it learns from the difference of two random masks alone (their issue 54). ' +
      'The released model’s inference is not affected: there the softmax runs over the objectives.',
  },
  {
    paper: 'The gate is trained on the adjusted rewards r′ = r M.',
    script: 'r′ is computed and split, but the loss uses the raw rewards r; M is not saved.',
    consequence: 'The gate never learns that its scores will be corrected for verbosity.',
  },
  {
    paper: 'β starts at 100 and is learned.',
    script: 'There is no β; logit_scale starts at 1 and is learned.',
    consequence: 'Margins are small, so the loss stays near ln 2 and logit_scale grows in place of β: Σg is not 1.',
  },
  {
    paper: '10,000 steps.',
    script: '2,000 steps, dropout 0.2, weight decay 0, batches drawn with replacement.',
    consequence: 'A shorter run with noisier gradients.',
  },
];
