/** PyTorch's training runs (fixtures) as a trainer's input, for the tests of every backend. */
import { bf16ToF32, f32ToBf16 } from '@/base/half.ts';
import { hash32 } from './dropout.ts';
import type { GateRows, GateTrainerSettings, GateTrainingData } from './gate-trainer-backend.ts';
import { rewardDifferences } from './gate-trainer.ts';
import type { GateLayer } from './reward-head.ts';

export const goldenRuns = ['gate-small', 'gate-odd', 'gate-fullbatch'] as const;

interface GoldenFile {
  readonly steps: number;
  readonly batch: number;
  readonly pairs: number;
  readonly d: number;
  readonly objectives: number;
  readonly temperature: number;
  readonly beta_initial: number;
  readonly optimizer: {
    readonly lr: number;
    readonly betas: [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly schedule: string;
  };
  readonly batches: number[][] | string;
  readonly losses: number[];
  readonly batch_accuracy: number[];
  readonly learning_rates: number[];
  readonly beta: Readonly<Record<string, number>>;
  readonly tolerance: Readonly<Record<'loss' | 'params_after_1' | 'params_after_10' | 'params_after_200', number>>;
}

export interface GateGolden {
  readonly golden: GoldenFile;
  readonly data: GateTrainingData;
  readonly settings: GateTrainerSettings;
  readonly layers: readonly GateLayer[];
  /** The flat vector of one of the golden's sets (`gradient`, `after_1`, …), β last; `undefined` where it was left out. */
  readonly flat: (prefix: string) => Float64Array | undefined;
}

/** Rows in memory. */
export function memoryRows(values: Float32Array, featureSize: number): GateRows {
  return {
    count: values.length / featureSize,
    featureSize,
    stored: 'f32',
    readStored: (first, count) => values.subarray(first * featureSize, (first + count) * featureSize),
    gather(rows, target) {
      for (let i = 0; i < rows.length; i++)
        target.set(values.subarray(rows[i]! * featureSize, (rows[i]! + 1) * featureSize), i * featureSize);
    },
  };
}

/** The same rows, kept as bf16: for values that are exact in it. */
export function bf16Rows(halves: Uint16Array, featureSize: number): GateRows {
  return {
    ...memoryRows(bf16ToF32(halves), featureSize),
    stored: 'bf16',
    readStored: (first, count) => halves.subarray(first * featureSize, (first + count) * featureSize),
  };
}

export function readGateGolden(json: string, bytesOfFile: Uint8Array): GateGolden {
  // A copy: slices of Node's buffers share memory.
  const file = Uint8Array.from(bytesOfFile);
  const golden: GoldenFile = JSON.parse(json);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const headerLength = Number(view.getBigUint64(0, true));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + headerLength)),
  );
  const bytes = (key: string) => {
    const [begin, end] = header[key]!.data_offsets;
    return file.slice(8 + headerLength + begin, 8 + headerLength + end).buffer;
  };
  const values = (key: string) =>
    header[key]!.dtype === 'BF16' ? bf16ToF32(new Uint16Array(bytes(key))) : new Float32Array(bytes(key));
  const layers: GateLayer[] = [];
  for (let i = 0; `gating.layers.${i}.weight` in header; i++) {
    const [outputSize = 0, inputSize = 0] = header[`gating.layers.${i}.weight`]!.shape;
    const [weight, bias] = [values(`gating.layers.${i}.weight`), values(`gating.layers.${i}.bias`)];
    layers.push({ weight, bias, inputSize, outputSize });
  }
  const { d, objectives: k, optimizer, batches, pairs } = golden;
  const embeddings = values('embeddings');
  const side = (index: number) => embeddings.filter((_, i) => Math.floor(i / d) % 2 === index);
  const head = {
    objectives: k,
    featureSize: d,
    regression: values('regression_layer.weight'),
    transform: Float64Array.from(values('reward_transform_matrix')),
  };
  return {
    golden,
    data: {
      rows: bf16Rows(new Uint16Array(bytes('prompt_embeddings')), d),
      objectives: k,
      rewardDifferences: rewardDifferences(head, side(0), side(1)),
    },
    settings: {
      mode: 'paper',
      temperature: golden.temperature,
      logitScale: values('gating.logit_scale')[0]!,
      activeObjectives: Array.from({ length: k }, (_, j) => j),
      batches: {
        pairs,
        batchSize: typeof batches === 'string' ? 'all' : golden.batch,
        seed: 0,
        ...(typeof batches === 'string' ? {} : { explicit: batches }),
      },
      learningRate: optimizer.lr,
      scheduleSteps: Number(/over (\d+) steps/.exec(optimizer.schedule)?.[1]),
      weightDecay: optimizer.weight_decay,
      adamBetas: optimizer.betas,
      adamEpsilon: optimizer.eps,
      dropout: 0,
      seed: 0,
    },
    layers,
    flat(prefix) {
      if (!(`${prefix}.gating.layers.0.weight` in header)) return undefined;
      return Float64Array.from([
        ...layers.flatMap((_, i) => [
          ...values(`${prefix}.gating.layers.${i}.weight`),
          ...values(`${prefix}.gating.layers.${i}.bias`),
        ]),
        golden.beta[prefix]!,
      ]);
    },
  };
}

/** Largest absolute difference; 0 where nothing is expected. */
export function worstError(a: ArrayLike<number>, b: ArrayLike<number> = []): number {
  let worst = 0;
  for (let i = 0; i < b.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}

/** Largest error of each tensor of a flat vector, relative to the tensor's largest entry. */
export function relativeErrors(
  flat: ArrayLike<number>,
  expected: Float64Array | undefined,
  layers: readonly GateLayer[],
): number[] {
  const sizes = [...layers.flatMap(({ weight, bias }) => [weight.length, bias.length]), 1];
  const values = Float64Array.from(flat);
  if (expected === undefined) throw new Error('the golden has no gradient');
  let offset = 0;
  return sizes.map((size) => {
    const part = expected.subarray(offset, offset + size);
    const error = worstError(values.subarray(offset, offset + size), part);
    offset += size;
    // A tensor whose gradient is zero is compared as it is.
    return error / (part.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1);
  });
}

/** The full-shape golden: three steps at the paper's shapes on values that an integer hash defines. */
export interface FullShapeGolden {
  readonly float64: FullShapeFigures;
  readonly float32: FullShapeFigures;
}
interface FullShapeFigures {
  readonly losses: readonly number[];
  /** Of every tensor in turn; β's is signed. */
  readonly gradient_norms_step_1: readonly number[];
  /** Entries 0, 1, 18, n / 2 and n − 1 of every tensor. */
  readonly sample_after_3: readonly (readonly number[])[];
  readonly beta: number;
}

/** u(i, s) of the golden's README: lowbias32 of i + s · 0x9E3779B9, over 2³². */
function hashed(index: number, stream: number): number {
  return hash32(index + Math.imul(stream, 0x9e37_79b9)) / 2 ** 32;
}

/** 4096-1024-1024-1024-19, batch 1024: the inputs of the golden. */
export function fullShapeRun(): { data: GateTrainingData; settings: GateTrainerSettings; layers: GateLayer[] } {
  const [d, hidden, k, batch] = [4096, 1024, 19, 1024];
  const fill = (length: number, value: (i: number) => number) => {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = value(i);
    return values;
  };
  const widths = [d, hidden, hidden, hidden, k];
  const layers = widths.slice(1).map((outputSize, i): GateLayer => {
    const inputSize = widths[i]!;
    const scale = 1 / Math.sqrt(inputSize);
    return {
      weight: fill(inputSize * outputSize, (j) => (2 * hashed(j, 3 + 2 * i) - 1) * 2.5 * scale),
      bias: fill(outputSize, (j) => (2 * hashed(j, 4 + 2 * i) - 1) * scale),
      inputSize,
      outputSize,
    };
  });
  const features = f32ToBf16(fill(batch * d, (i) => 2 * hashed(i, 1) - 1));
  const settings: GateTrainerSettings = {
    mode: 'paper',
    temperature: 10,
    logitScale: 1,
    activeObjectives: Array.from({ length: k }, (_, j) => j),
    batches: { pairs: batch, batchSize: 'all', seed: 0 },
    learningRate: 1e-3,
    scheduleSteps: 10_000,
    weightDecay: 0.01,
    adamBetas: [0.9, 0.999],
    adamEpsilon: 1e-8,
    dropout: 0,
    seed: 0,
  };
  const data: GateTrainingData = {
    rows: bf16Rows(features, d),
    objectives: k,
    rewardDifferences: Float64Array.from({ length: batch * k }, (_, i) => 0.2 * hashed(i, 2) - 0.06),
  };
  return { data, settings, layers };
}

/** Norm of every tensor of a flat vector; of β its value. */
export function tensorNorms(flat: Float64Array, layers: readonly GateLayer[]): number[] {
  const norms: number[] = [];
  let offset = 0;
  for (const size of layers.flatMap(({ weight, bias }) => [weight.length, bias.length])) {
    let sum = 0;
    for (let i = offset; i < offset + size; i++) sum += flat[i]! ** 2;
    norms.push(Math.sqrt(sum));
    offset += size;
  }
  return [...norms, flat[offset]!];
}

/** The golden's samples of every tensor of a flat vector. */
export function tensorSamples(flat: Float64Array, layers: readonly GateLayer[]): number[][] {
  let offset = 0;
  return layers
    .flatMap(({ weight, bias }) => [weight.length, bias.length])
    .map((size) => {
      const samples = [0, 1, 18, Math.floor(size / 2), size - 1].map((i) => flat[offset + i]!);
      offset += size;
      return samples;
    });
}
