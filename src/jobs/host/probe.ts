/** Stage 1 and Eq 3 on feature files: W by streamed ridge, M by penalties on a reference set. */
import { findPenalties, transformFromPenalties } from '@/core/debias.ts';
import { sklearnHeldOut } from '@/core/numpy-random.ts';
import { ridgeAlphas, validationRows } from '@/core/ridge.ts';
import { streamedRidge, type StreamedProbe } from '@/core/ridge-stream.ts';
import { openFeatureShards, type Stage1Shards, type Stage2Shards } from '@/formats/feature-shards.ts';
import { type DataWarning, requireFinite } from '@/formats/preference-pairs.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { JobOptions, ProbeProgress, ProbeRequest, ProbeResult } from '@/jobs/api/training.ts';
import type { PrepareTools } from './prepare-training.ts';

/** helpsteer-verbosity (armorm.md, "The 19 objectives"). */
const armormVerbosity = 4;
/** Rows of the reference set in one read. */
const chunkRows = 2048;

export interface ProbeTools extends PrepareTools {
  /** Lets the event loop run during long solves. */
  readonly breathe: () => Promise<void>;
}

/** @throws FormatError, DataError, JobError, AbortError. */
export async function probe(
  request: ProbeRequest,
  tools: ProbeTools,
  { signal, onProgress }: JobOptions<ProbeProgress> = {},
): Promise<ProbeResult> {
  const sources = await Promise.all(request.features.map(tools.openFile));
  const shards = await openFeatureShards(sources, signal);
  const first = shards.shards[0]?.name ?? 'features';
  if (shards.layout !== 'stage-1')
    throw new JobError({
      code: 'bad-input',
      message:
        `${first}: these are features of pairs (stage 2). Probes are fitted to labelled single responses: ` +
        'give embeddings [N,d] with labels [N,k] (stage 1).',
    });
  const k = shards.objectives;
  if (k === undefined || k === 0)
    throw new JobError({ code: 'bad-input', message: `${first} has no labels, so there is nothing to fit.` });
  const dimension = request.verbosityDimension ?? (k > armormVerbosity ? armormVerbosity : 'none');
  if (dimension !== 'none' && !(Number.isInteger(dimension) && dimension >= 0 && dimension < k))
    throw new JobError({ code: 'bad-input', message: `There is no objective ${dimension}: the labels have ${k}.` });
  const labels = await shards.readLabels(0, shards.rows, signal);
  const probes = await fit(request, tools, shards, labels, k, {
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  const warnings: DataWarning[] = [];
  const missing = probes.flatMap((found, j) => (found === undefined ? [j] : []));
  if (missing.length > 0)
    warnings.push({
      code: 'unlabelled-objective',
      message:
        `No row labels objective ${missing.join(', ')}: its reward is always 0, and the gate should not weigh it ` +
        '(leave it out of the active objectives).',
    });
  const d = shards.hiddenSize;
  const regression = new Float32Array(k * d);
  for (const [j, found] of probes.entries()) if (found !== undefined) regression.set(found.weights, j * d);
  const identity = transformFromPenalties(k, []);
  const common = {
    objectives: k,
    featureSize: d,
    probes: probes.map((found) => found && withoutWeights(found)),
    regression,
  };
  if (dimension === 'none' || probes[dimension] === undefined) {
    warnings.push({
      code: 'no-transform',
      message:
        dimension === 'none'
          ? 'No verbosity objective was named, so rewards are not corrected for verbosity (M is the identity).'
          : `The verbosity objective ${dimension} has no labels, so rewards cannot be corrected for it (M is the identity).`,
    });
    return { ...common, transform: identity, warnings };
  }
  const reference =
    request.reference === undefined
      ? shards
      : await openFeatureShards(await Promise.all(request.reference.map(tools.openFile)), signal);
  const rewards = await referenceRewards(reference, regression, k, d, {
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  onProgress?.({ stage: 'penalties', done: 0, total: k });
  const penalties = findPenalties(rewards, k, dimension, request.penaltyMethod ?? 'exact', missing);
  onProgress?.({ stage: 'penalties', done: k, total: k });
  // Rounded as it will be stored, so that scores from the file and from memory are the same to the bit.
  const transform = Float64Array.from(Float32Array.from(transformFromPenalties(k, [penalties])));
  return { ...common, penalties, transform, warnings };
}

async function fit(
  { alphas = ridgeAlphas, split = { kind: 'authors' } }: ProbeRequest,
  tools: ProbeTools,
  shards: Stage1Shards,
  labels: Float32Array,
  objectives: number,
  { signal, onProgress }: JobOptions<ProbeProgress>,
): Promise<(StreamedProbe | undefined)[]> {
  return streamedRidge({
    features: {
      rows: shards.rows,
      featureSize: shards.hiddenSize,
      read: (firstRow, count) => shards.readEmbeddings(firstRow, count, signal),
    },
    labels,
    objectives,
    validation:
      split.kind === 'authors' ? sklearnHeldOut(shards.rows) : validationRows(shards.rows, split.seed, split.share),
    alphas,
    memoryBytes: tools.memoryBytes,
    onRead: (progress) => onProgress?.({ stage: 'read', ...progress }),
    async onSolve(done, total) {
      onProgress?.({ stage: 'solve', done, total });
      await tools.breathe();
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Raw rewards of every response of the reference set, f64 [rows, k]; both responses of a pair, as the authors do. */
async function referenceRewards(
  shards: Stage1Shards | Stage2Shards,
  regression: Float32Array,
  k: number,
  d: number,
  { signal, onProgress }: JobOptions<ProbeProgress>,
): Promise<Float64Array> {
  if (shards.hiddenSize !== d)
    throw new JobError({
      code: 'bad-input',
      message: `${shards.shards[0]?.name}: the reference features are ${shards.hiddenSize} wide, the labelled ones ${d}.`,
    });
  const responses = shards.layout === 'stage-1' ? 1 : 2;
  const rewards = new Float64Array(shards.rows * responses * k);
  for (let first = 0; first < shards.rows; first += chunkRows) {
    signal?.throwIfAborted();
    const count = Math.min(chunkRows, shards.rows - first);
    const chunk = await shards.readEmbeddings(first, count, signal);
    requireFinite(chunk, responses * d, d, shards.shards[0]?.name ?? 'reference', 'embeddings', first);
    for (let row = 0; row < count * responses; row++)
      for (let j = 0; j < k; j++) {
        let sum = 0;
        for (let i = 0; i < d; i++) sum += regression[j * d + i]! * chunk[row * d + i]!;
        rewards[(first * responses + row) * k + j] = sum;
      }
    onProgress?.({ stage: 'reference', doneRows: first + count, totalRows: shards.rows });
  }
  return rewards;
}

function withoutWeights({ alpha, validationMse, trainRows, validationRows: held, path }: StreamedProbe) {
  return {
    alpha,
    validationMse,
    trainRows,
    validationRows: held,
    path: path.map((point) => ({ alpha: point.alpha, validationMse: point.validationMse })),
  };
}
