/** From a training request to what a trainer takes: shards opened, heads read, pairs turned into reward differences, prompts split. */
import { identityTransform } from '@/core/debias.ts';
import { gateLayout, initialGateLayers } from '@/core/gate-network.ts';
import { splitByPrompt } from '@/core/gate-batches.ts';
import type { GateRows, GateTrainerSettings, GateTrainingData } from '@/core/gate-trainer-backend.ts';
import type { GateLayer } from '@/core/reward-head.ts';
import { checkTrainingOptions } from '@/core/training-options.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { openFeatureShards, type Stage2Shards } from '@/formats/feature-shards.ts';
import { readHeadParts } from '@/formats/head-files.ts';
import { type LinearHead, readPreferencePairs, type DataWarning } from '@/formats/preference-pairs.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { DataFile, TrainingEvent, TrainingRequest } from '@/jobs/api/training.ts';
import { fileGateRows, MemoryGateRows } from './gate-rows.ts';

export interface PreparedTraining {
  readonly shards: Stage2Shards;
  readonly head: LinearHead;
  readonly data: GateTrainingData;
  readonly settings: GateTrainerSettings;
  /** The gate before the first step. */
  readonly layers: readonly GateLayer[];
  readonly initialBeta: number;
  readonly trainPairs: Uint32Array;
  readonly heldOut: Uint32Array;
  readonly parameters: number;
  readonly warnings: readonly DataWarning[];
  /** Tells these pairs and heads from others, for checkpoints. */
  readonly fingerprint: string;
}

export interface PrepareTools {
  readonly openFile: (file: DataFile) => Promise<ByteSource>;
  /** Gate rows beyond this many bytes stay in their files. */
  readonly memoryBytes: number;
}

/** Pairs below which a warning is given: fewer than a batch of the paper. */
const fewPairs = 100;

/** @throws JobError, FormatError, DataError, AbortError. */
export async function prepareTraining(
  request: TrainingRequest,
  tools: PrepareTools,
  onEvent: (event: TrainingEvent) => void,
  signal?: AbortSignal,
): Promise<PreparedTraining> {
  const { options } = request;
  checkTrainingOptions(options);
  const shards = await openFeatureShards(await Promise.all(request.features.map(tools.openFile)), signal);
  if (shards.layout !== 'stage-2')
    throw new JobError({
      code: 'bad-input',
      message:
        `${shards.shards[0]?.name}: these are features of single responses (stage 1). The gate learns from pairs: ` +
        'give embeddings [N,2,d] with prompt_embeddings (stage 2).',
    });
  const { head, warnings: headWarnings } = await linearHead(request, tools, signal);
  const inMemory = MemoryGateRows.bytes(shards) <= tools.memoryBytes;
  const kept = inMemory ? new MemoryGateRows(shards) : undefined;
  const reading = await readPreferencePairs(shards, head, {
    rawRewards: options.mode === 'authors-script',
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done, total) => onEvent({ kind: 'prepare', stage: 'read', done, total }),
    onPrompts: (chunk) => kept?.add(chunk),
  });
  const rows: GateRows = kept ?? fileGateRows(shards);
  const { train: trainPairs, heldOut } = splitByPrompt(reading.prompts, options.validationSplit, options.seed);
  const layers = firstLayers(request, head);
  const batchSize = options.batchSize === 'all' ? 'all' : Math.min(options.batchSize, trainPairs.length);
  const script = options.mode === 'authors-script';
  const { batchRows } = request;
  if (batchRows !== undefined) checkBatchRows(batchRows, options.steps, shards.rows);
  const settings: GateTrainerSettings = {
    mode: options.mode,
    temperature: options.temperature,
    logitScale: request.logitScale ?? 1,
    activeObjectives: request.activeObjectives ?? Array.from({ length: head.objectives }, (_, j) => j),
    batches: {
      pairs: trainPairs,
      // Drawn with replacement, a batch may be larger than the set.
      batchSize: batchRows?.[0]?.length ?? (script ? options.batchSize : batchSize),
      ...(batchRows === undefined ? {} : { explicit: batchRows }),
      seed: options.seed,
      replacement: script && options.batchSize !== 'all',
    },
    learningRate: options.learningRate,
    scheduleSteps: options.scheduleSteps ?? options.steps,
    weightDecay: options.weightDecay,
    adamBetas: [options.adamBeta1, options.adamBeta2],
    adamEpsilon: options.adamEpsilon,
    dropout: options.dropout,
    seed: options.seed,
  };
  const few: DataWarning[] =
    trainPairs.length < fewPairs
      ? [
          {
            code: 'few-rows',
            message: `There are only ${trainPairs.length} pairs to train on: a gate of this size can learn them by heart.`,
          },
        ]
      : [];
  const { rewardDifferences, rawRewards } = reading;
  return {
    shards,
    head,
    data: {
      rows,
      objectives: head.objectives,
      rewardDifferences,
      ...(rawRewards === undefined ? {} : { rawRewards }),
    },
    settings,
    layers,
    initialBeta: options.initialBeta,
    trainPairs,
    heldOut,
    parameters: gateLayout([head.featureSize, ...layers.map((layer) => layer.outputSize)]).length,
    warnings: [...headWarnings, ...reading.warnings, ...few],
    fingerprint: fingerprintOf(rewardDifferences, head, shards),
  };
}

async function linearHead(
  { head, features }: TrainingRequest,
  tools: PrepareTools,
  signal?: AbortSignal,
): Promise<{ head: LinearHead; warnings: readonly DataWarning[] }> {
  if (head.kind === 'parts') return { head, warnings: [] };
  const parts = await readHeadParts(await Promise.all(head.files.map(tools.openFile)), signal);
  const names = head.files.map(({ name }) => name).join(', ');
  const { regression, transform, objectives, featureSize } = parts;
  if (regression === undefined || objectives === undefined || featureSize === undefined)
    throw new JobError({
      code: 'bad-input',
      message: `${names}: there is no regression layer here (regression_layer.weight). The gate weighs its rewards, so it is needed.`,
    });
  if (transform !== undefined) return { head: { objectives, featureSize, regression, transform }, warnings: [] };
  return {
    head: { objectives, featureSize, regression, transform: identityTransform(objectives) },
    warnings: [
      {
        code: 'no-transform',
        message:
          `${names} has no reward_transform_matrix, so rewards are not corrected for verbosity (M is the identity). ` +
          `Solve Eq 3 first (probe) to train on adjusted rewards, as the paper does, on ${features.length === 1 ? 'this file' : 'these files'}.`,
      },
    ],
  };
}

/** The gate given, checked against the heads, or a fresh one. */
function firstLayers({ initialGate, options }: TrainingRequest, head: LinearHead): readonly GateLayer[] {
  const { featureSize: d, objectives: k } = head;
  if (initialGate === undefined) {
    const hidden = Array.from({ length: options.hiddenLayers }, () => options.hidden);
    return initialGateLayers([d, ...hidden, k], options.seed);
  }
  const first = initialGate[0]?.inputSize;
  const last = initialGate.at(-1)?.outputSize;
  if (first !== d || last !== k)
    throw new JobError({
      code: 'bad-input',
      message: `The gate to start from goes from ${first} features to ${last} objectives; the heads have ${d} and ${k}.`,
    });
  return initialGate;
}

function checkBatchRows(rows: readonly (readonly number[])[], steps: number, pairs: number): void {
  const size = rows[0]?.length ?? 0;
  const bad = (step: readonly number[]) =>
    step.length !== size || size === 0 || step.some((row) => !Number.isInteger(row) || row < 0 || row >= pairs);
  const wrong = rows.slice(0, steps).findIndex(bad);
  if (rows.length < steps || wrong >= 0)
    throw new JobError({
      code: 'bad-input',
      message:
        rows.length < steps
          ? `The list of batches has ${rows.length} steps, the run ${steps}.`
          : `Step ${wrong + 1} of the list of batches must be ${size} whole numbers from 0 to ${pairs - 1}.`,
    });
}

/** FNV-1a over shapes, the head and the differences of every pair: cheap, and any other data gives another. */
function fingerprintOf(differences: Float64Array, head: LinearHead, shards: Stage2Shards): string {
  let hash = 0x811c_9dc5;
  const feed = (words: Uint32Array): void => {
    for (const word of words) hash = Math.imul(hash ^ word ^ (word >>> 16), 0x0100_0193);
  };
  feed(new Uint32Array(Float64Array.from(differences).buffer));
  feed(new Uint32Array(Float32Array.from(head.regression).buffer));
  return `${shards.rows}x${shards.hiddenSize}x${head.objectives}-${(hash >>> 0).toString(16)}`;
}
