/** What a training run says of itself, in words made of its numbers. Pure. */
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatQuantity,
  formatSignificant,
} from '@/components/number-format.ts';
import type { FeatureSummary, ProbeProgress, TrainingBackend } from '@/jobs/api/training.ts';
import { stepsDone, type RunComparison, type TrainingRunRecord } from '@/state/training-run.ts';

const backendWords: Readonly<Record<TrainingBackend, string>> = {
  webgpu: 'WebGPU',
  'wasm-f32': 'the processor',
  'cpu-f64': 'the processor, 64-bit',
};

/** Where it runs: `WebGPU (nvidia ampere)`. */
export function deviceWords({ started }: Pick<TrainingRunRecord, 'started'>): string {
  if (started === undefined) return 'not chosen yet';
  const { backend, device } = started;
  return `${backendWords[backend]} (${device})`;
}

/** What the run is doing, in one sentence. */
export function phaseWords(run: TrainingRunRecord): string {
  const done = formatCount(stepsDone(run));
  const all = formatCount(run.options.steps);
  switch (run.phase) {
    case 'preparing':
      return prepareWords(run);
    case 'running':
      return `Step ${done} of ${all}`;
    case 'paused':
      return `Paused at step ${done} of ${all}; stored, so the page may be closed`;
    case 'stopping':
      return 'Stopping after this step';
    case 'done':
      return run.result?.reason === 'early-stop'
        ? `Ended early with the best gate, of step ${done}`
        : run.result?.reason === 'stopped'
          ? `Stopped at step ${done} of ${all}`
          : `Finished all ${all} steps`;
    case 'failed':
      return run.error?.code === 'aborted' ? 'Cancelled before the first step' : `Failed at step ${done} of ${all}`;
    default:
      return run.checkpoint === undefined
        ? `The page was closed at step ${done} of ${all}, before anything was stored`
        : `The page was closed; it goes on from step ${formatCount(run.checkpoint.step)} of ${all}`;
  }
}

function prepareWords({ preparing }: TrainingRunRecord): string {
  switch (preparing?.stage) {
    case 'read':
    case 'rewards':
      return `Reading pairs: ${formatCount(preparing.done)} of ${formatCount(preparing.total)}`;
    case 'upload':
      return `Moving features to the graphics card: ${formatCount(preparing.done)} of ${formatCount(preparing.total)}`;
    case 'compile':
      return 'Compiling the kernels';
    default:
      return 'Getting ready';
  }
}

/** `12.4 steps/s, 1 min 20 s left`; empty where nothing is measured yet. */
export function rateWords({ stepsPerSecond, secondsLeft, phase, latest, started }: TrainingRunRecord): string {
  if (stepsPerSecond <= 0 || !Number.isFinite(secondsLeft)) return '';
  const rate =
    stepsPerSecond >= 1
      ? `${formatSignificant(stepsPerSecond, 3)} steps/s`
      : `${formatDuration(1000 / stepsPerSecond)} a step`;
  // Before the first step it is an estimate, and is said to be one.
  const about = latest === undefined || latest.step === started?.fromStep ? 'about ' : '';
  return phase === 'running'
    ? `${about}${rate}, ${about}${formatDuration(1000 * secondsLeft)} left`
    : `${about}${rate}`;
}

/** `500 pairs, 576 wide, BF16, 2.30 MB in 1 file; a row for the prompt of each response`. */
export function featureWords(summary: FeatureSummary): string {
  const { layout, rows, featureSize, dtype, bytes, shards, promptRows, objectives } = summary;
  const what =
    layout === 'stage-1'
      ? `${formatQuantity(rows, 'labelled response')}${objectives === undefined ? ' without labels' : ` with up to ${objectives} labels each`}`
      : formatQuantity(rows, 'pair');
  const prompts =
    promptRows === undefined ? '' : promptRows === 1 ? ', one prompt row a pair' : ', a prompt row a response';
  return `${what}, ${formatCount(featureSize)} wide, ${dtype}${prompts}, ${formatBytes(bytes)} in ${formatQuantity(shards.length, 'file')}`;
}

export function probeWords(progress: ProbeProgress | undefined): string {
  switch (progress?.stage) {
    case 'read':
      return `Reading labelled responses: ${formatCount(progress.doneRows)} of ${formatCount(progress.totalRows)}`;
    case 'solve':
      return `Fitting objectives: ${progress.done} of ${progress.total}`;
    case 'reference':
      return `Scoring the reference set: ${formatCount(progress.doneRows)} of ${formatCount(progress.totalRows)}`;
    case 'penalties':
      return 'Solving Eq 3';
    default:
      return 'Getting ready';
  }
}

/** What config.json, or GatingNetwork's parameters, must say for a gate's file to fit and to score the same. */
export function gateShapeWords({
  hiddenWidths,
  temperature,
}: {
  readonly hiddenWidths: readonly number[];
  readonly temperature: number;
}): string {
  const widths = [...new Set(hiddenWidths)];
  if (widths.length > 1)
    return `This gate’s hidden layers are ${hiddenWidths.join(', ')} wide; the published classes have one width, so they cannot hold it.`;
  const width = widths.length === 0 ? '' : `gating_hidden_dim ${widths[0]}, `;
  return `The model’s config.json must say ${width}gating_n_hidden ${hiddenWidths.length} and gating_temperature ${temperature}; GatingNetwork takes the same as hidden_dim, n_hidden and temperature.`;
}

/** Half the width of a 68 % interval of a share of `pairs`: what chance alone moves it by. */
export function standardError(share: number, pairs: number): number {
  return Math.sqrt((share * (1 - share)) / pairs);
}

/** How the trained gate compares, in one true sentence. */
export function comparisonSentence({ trained, even, original }: RunComparison, modelName: string): string {
  const on = `${formatCount(trained.pairs)} ${trained.on === 'held-out' ? 'held-out' : 'training'} pairs`;
  const own = original === undefined ? '' : `, the head of ${modelName} ${formatPercent(original.accuracy)}`;
  const error = formatSignificant(100 * standardError(trained.accuracy, trained.pairs), 2);
  return `On ${on} the new gate prefers the chosen response in ${formatPercent(trained.accuracy)}, an even gate in ${formatPercent(even.accuracy)}${own}; chance moves such a figure by about ${error} points.`;
}

/** From where to where a curve went: one batch says little, so the first and last tenth of its steps are averaged. */
export function curveSentence(
  name: string,
  y: Float64Array,
  heldOut: number | undefined,
  format: (value: number) => string = formatSignificant,
): string {
  if (y.length === 0) return `${name}: no step yet.`;
  const count = Math.max(1, Math.round(y.length / 10));
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [first, last] = [format(mean(y.subarray(0, count))), format(mean(y.subarray(-count)))];
  const change = mean(y.subarray(-count)) - mean(y.subarray(0, count));
  const way = first === last ? `stayed at ${first}` : `${change < 0 ? 'fell' : 'rose'} from ${first} to ${last}`;
  const averaged = count > 1 && first !== last ? `, each the mean of ${count} steps` : '';
  const held = heldOut === undefined ? '' : `; on held-out pairs it is ${format(heldOut)}`;
  return `${name} ${way} over ${formatQuantity(y.length, 'step')}${averaged}${held}.`;
}
