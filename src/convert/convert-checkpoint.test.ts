/** The whole conversion on tiny checkpoints, run by the real ONNX Runtime and compared with a forward pass in f64. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DoctorCode, DoctorFinding } from '@/core/doctor-findings.ts';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { openEmbeddingTable } from '@/formats/embedding-table.ts';
import { parseCheckpointConfig } from '@/formats/hugging-face.ts';
import type { Canary, Manifest } from '@/formats/manifest.ts';
import { memoryFileSet } from '@/formats/memory-source.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';
import { type TensorData, writeSafetensors } from '@/formats/safetensors-writer.ts';
import { Backbone } from '@/runtime/backbone.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import type { ConversionReport, ConvertOptions, ConvertTools } from './conversion.ts';
import { convertCheckpoint } from './convert-checkpoint.ts';
import { referenceForward } from './fixtures/reference-llama.ts';
import { createTestTools } from './fixtures/test-tools.ts';
import {
  BOS_ID,
  END_ID,
  filesOf,
  makeTinyCheckpoint,
  TINY,
  type TinyCheckpoint,
  type TinyShape,
} from './fixtures/tiny-checkpoint.ts';
import { memoryPackageSink } from './package-sink.ts';
import { replaceHeads } from './replace-heads.ts';
import { zeroRewardHead } from './reward-head-tensors.ts';

let tools: ConvertTools & { dispose(): Promise<void> };
beforeAll(async () => {
  tools = await createTestTools();
});
afterAll(() => tools.dispose());

const OPTIONS: ConvertOptions = { dtype: 'f32', layersPerStage: 2, name: 'Tiny', source: { name: 'tiny' } };

async function convert(checkpoint: TinyCheckpoint, options: Partial<ConvertOptions> = {}) {
  const sink = memoryPackageSink('package');
  const report = await convertCheckpoint(filesOf(checkpoint), sink, { ...OPTIONS, ...options }, tools);
  return { sink, report };
}

const knownStates = new WeakMap<TinyCheckpoint, Map<string, Float64Array[]>>();

/** f64 final-norm states of a canary from the checkpoint's own numbers, computed once. */
function findingOf({ findings }: ConversionReport, code: DoctorCode): DoctorFinding {
  const found = findings.find((finding) => finding.code === code);
  if (found === undefined) throw new Error(`the doctor says nothing of ${code}`);
  return found;
}

function statesInF64(checkpoint: TinyCheckpoint, { tokenIds }: Canary, layers?: number): Float64Array[] {
  const { architecture } = parseCheckpointConfig(checkpoint.config);
  const known = knownStates.get(checkpoint) ?? new Map<string, Float64Array[]>();
  knownStates.set(checkpoint, known);
  const key = `${layers} ${tokenIds.join(' ')}`;
  const states =
    known.get(key) ??
    referenceForward(
      { ...architecture, layers: layers ?? architecture.layers },
      (name) => checkpoint.tensors.get(name)!.values,
      tokenIds,
    );
  known.set(key, states);
  return states;
}

/** f64 head outputs of a canary. */
function outputsInF64(checkpoint: TinyCheckpoint, head: RewardHead, canary: Canary, layers?: number) {
  const states = statesInF64(checkpoint, canary, layers);
  // The gate reads the end of the last user turn: in the fixture's template, the end token before the last.
  const gateIndex = canary.tokenIds.slice(0, -1).lastIndexOf(END_ID);
  return evaluateHead(head, states.at(-1)!, states[gateIndex]!);
}

function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

async function headsOf(sink: ReturnType<typeof memoryPackageSink>, manifest: Manifest): Promise<RewardHead> {
  return readHeads(await openEntry(sink.files, manifest.heads), manifest);
}

const SHAPES: readonly (TinyShape & { readonly title: string })[] = [
  { ...TINY, title: 'grouped attention, head width 16' },
  { ...TINY, title: 'one key head for four, head width 32', keyValueHeads: 1, headDim: 32 },
  { ...TINY, title: 'plain operators, head width 6', headDim: 6 },
  { ...TINY, title: 'plain operators, head width 20, no groups', headDim: 20, keyValueHeads: 4 },
  {
    ...TINY,
    title: 'plain operators, head width 24, rope scaling of Llama 3.1',
    headDim: 24,
    ropeScaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    },
  },
  {
    ...TINY,
    title: 'grouped attention, rope scaling of Llama 3.2',
    ropeScaling: {
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 128,
    },
  },
  { ...TINY, title: 'widths that divide nothing', hiddenSize: 28, intermediateSize: 50, gateHidden: [] },
];

describe.each(SHAPES)('$title', (shape) => {
  test('an f32 package agrees with f64 loops, also over a cache', async () => {
    const checkpoint = makeTinyCheckpoint(shape, 11);
    const { sink, report } = await convert(checkpoint);
    const { manifest } = await openPackage(sink.files);
    expect(manifest).toEqual(report.manifest);
    expect(manifest.stages.map(({ firstLayer, endLayer }) => [firstLayer, endLayer])).toEqual([
      [0, 2],
      [2, 3],
    ]);
    const head = await headsOf(sink, manifest);
    for (const canary of manifest.canaries) {
      const expected = outputsInF64(checkpoint, head, canary);
      for (const outputs of [canary.own, referenceOf(canary)]) {
        expect(worstDifference(outputs.rewards, expected.rewards)).toBeLessThan(2e-5);
        expect(worstDifference(outputs.gateWeights, expected.gateWeights)).toBeLessThan(2e-5);
        expect(Math.abs(outputs.score - expected.score)).toBeLessThan(2e-5);
      }
    }
    await expectChunksAgree(checkpoint, sink, manifest);
  });
});

/** Runs a canary through the package in chunks of 30 tokens and compares every wanted row with f64. */
async function expectChunksAgree(
  checkpoint: TinyCheckpoint,
  sink: ReturnType<typeof memoryPackageSink>,
  manifest: Manifest,
): Promise<void> {
  const made = await nativeBackendFactory().create('native');
  if (!('backend' in made)) throw new Error(made.unavailable);
  const table = await openEmbeddingTable(await openEntry(sink.files, manifest.embedding), manifest.architecture);
  const backbone = await Backbone.create(
    made.backend,
    manifest.architecture,
    table,
    await Promise.all(
      manifest.stages.map(async ({ firstLayer, endLayer, graph, data }) => ({
        firstLayer,
        endLayer,
        files: {
          graph: await openEntry(sink.files, graph),
          data: await Promise.all(
            data.map(async (entry) => ({ name: entry.file, bytes: await openEntry(sink.files, entry) })),
          ),
        },
      })),
    ),
  );
  const tokenIds = Int32Array.from(manifest.canaries[0]!.tokenIds);
  const rows = [0, 29, 30, 31, 65, tokenIds.length - 1];
  const [result] = await backbone.features([{ tokenIds, rows }], { chunkTokens: 30 });
  const states = statesInF64(checkpoint, manifest.canaries[0]!);
  for (const [index, row] of rows.entries())
    expect(worstDifference(result!.features[index]!, states[row]!)).toBeLessThan(2e-4);
  await backbone.dispose();
  await made.backend.dispose();
}

test('the manifest carries what the checkpoint says', async () => {
  const { report } = await convert(makeTinyCheckpoint(TINY, 3));
  const { manifest } = report;
  expect(manifest.tokens).toMatchObject({ bosId: BOS_ID, endOfTurnId: END_ID });
  expect(manifest.gate).toMatchObject({ temperature: 10, logitScale: 1.25, hidden: [12] });
  expect(manifest.gate.rule).toMatchObject({ kind: 'last-pattern', text: '<|end|><|turn|>assistant\n' });
  expect(manifest.verbosityDimensions).toEqual([1]);
  expect(manifest.objectives.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4].map((index) => `objective-0${index}`));
  expect(manifest.quantisation).toBeUndefined();
});

function referenceOf({ reference }: Manifest['canaries'][number]) {
  if (reference === undefined) throw new Error('a conversion knows the reference');
  return reference;
}

describe('4 bits', () => {
  test('weights on a 4-bit grid lose nothing', async () => {
    const checkpoint = makeTinyCheckpoint({ ...TINY, onGrid: true }, 7);
    const { sink, report } = await convert(checkpoint, { dtype: 'q4', layersPerStage: 1 });
    const linear = report.tensors.filter(({ tensor }) => tensor !== 'model.embed_tokens.weight');
    for (const { tensor, relativeError } of linear) expect(relativeError, tensor).toBe(0);
    // The embedding is in 8 bits: what is left is its error, and no more than that.
    const rounded = withEmbeddingRounded(checkpoint);
    const exact = await convert(rounded, { dtype: 'q4' });
    expect(Math.max(...exact.report.tensors.map(({ relativeError }) => relativeError))).toBe(0);
    const head = await headsOf(sink, report.manifest);
    for (const canary of exact.report.manifest.canaries) {
      const expected = outputsInF64(rounded, head, canary);
      expect(worstDifference(canary.own.rewards, expected.rewards)).toBeLessThan(2e-5);
    }
  });

  test('random weights lose what the report says, and the canaries show it', async () => {
    const checkpoint = makeTinyCheckpoint(TINY, 8);
    const { report } = await convert(checkpoint, { dtype: 'q4', verify: true });
    const linear = report.tensors.filter(({ tensor }) => tensor.startsWith('model.layers'));
    expect(linear).toHaveLength(21);
    for (const { form, relativeError } of linear) {
      expect(form).toBe('q4');
      expect(relativeError).toBeGreaterThan(0.05);
      expect(relativeError).toBeLessThan(0.09);
    }
    expect(report.manifest.quantisation?.worstRelativeError).toBe(
      Math.max(...report.tensors.map(({ relativeError }) => relativeError)),
    );
    expect(report.comparisons.filter(({ kind }) => kind === 'verify').length).toBeGreaterThan(10);
    const errors = report.comparisons.map(({ reference, own }) => worstDifference(reference.rewards, own.rewards));
    expect(Math.max(...errors)).toBeGreaterThan(1e-3);
    expect(Math.max(...errors)).toBeLessThan(1);
  });

  test('a matrix whose width 16 does not divide stays f32, and is named', async () => {
    const { report } = await convert(makeTinyCheckpoint({ ...TINY, intermediateSize: 40 }, 9), { dtype: 'q4' });
    const stored = report.manifest.checkpoint?.storedOtherwise ?? [];
    expect(stored).toHaveLength(3);
    for (const [layer, words] of stored.entries())
      expect(words).toContain(`model.layers.${layer}.mlp.down_proj.weight as f32`);
    expect(findingOf(report, 'stored-form').severity).toBe('note');
    const down = report.tensors.filter(({ tensor }) => tensor.includes('down_proj'));
    expect(down.every(({ relativeError }) => relativeError === 0)).toBe(true);
  });

  test('values beyond f16 stay f32, and are named', async () => {
    const checkpoint = makeTinyCheckpoint(TINY, 10);
    checkpoint.tensors.get('model.layers.1.mlp.up_proj.weight')!.values[5] = 1e6;
    const { report } = await convert(checkpoint, { dtype: 'f16' });
    expect(findingOf(report, 'stored-form').found).toContain('model.layers.1.mlp.up_proj.weight as f32');
  });
});

test.each(['f16', 'q8'] as const)('%s: a small error, as reported', async (dtype) => {
  const checkpoint = makeTinyCheckpoint(TINY, 12);
  const { sink, report } = await convert(checkpoint, { dtype });
  const head = await headsOf(sink, report.manifest);
  const tolerance = dtype === 'f16' ? 5e-3 : 0.1;
  for (const canary of report.manifest.canaries) {
    const expected = outputsInF64(checkpoint, head, canary);
    expect(worstDifference(referenceOf(canary).rewards, expected.rewards)).toBeLessThan(2e-5);
    const error = worstDifference(canary.own.rewards, expected.rewards);
    expect(error).toBeLessThan(tolerance);
    expect(error).toBeGreaterThan(1e-6);
  }
});

/** The embedding as the package stores it: 8 bits in blocks of 32. */
function withEmbeddingRounded(checkpoint: TinyCheckpoint): TinyCheckpoint {
  const name = 'model.embed_tokens.weight';
  const { shape, values } = checkpoint.tensors.get(name)!;
  const rounded = Float32Array.from(values, (value, i) => {
    const block = values.subarray(i - (i % 32), i - (i % 32) + 32);
    const step = Math.fround(Math.round((Math.max(...block.map(Math.abs)) / 127) * 4096) / 4096);
    return step * Math.max(-127, Math.min(127, Math.round(value / step)));
  });
  // A row's largest value is exactly 127 steps, so that the same steps are found again.
  for (let i = 0; i < rounded.length; i += 32) {
    const block = values.subarray(i, i + 32);
    const largest = block.reduce((best, value, j) => (Math.abs(value) > Math.abs(block[best]!) ? j : best), 0);
    const step = Math.fround(Math.round((Math.abs(block[largest]!) / 127) * 4096) / 4096);
    rounded[i + largest] = Math.sign(block[largest]!) * 127 * step;
  }
  return { ...checkpoint, tensors: new Map(checkpoint.tensors).set(name, { shape, values: rounded }) };
}

test('--max-layers keeps the first layers and the final norm, and says so', async () => {
  const checkpoint = makeTinyCheckpoint(TINY, 13);
  const { sink, report } = await convert(checkpoint, { maxLayers: 2 });
  expect(report.manifest.architecture.layers).toBe(2);
  expect(report.manifest.stages).toHaveLength(1);
  expect(findingOf(report, 'layers')).toMatchObject({
    severity: 'warning',
    found: expect.stringContaining('Only 2 of 3'),
  });
  const head = await headsOf(sink, report.manifest);
  const canary = report.manifest.canaries[0]!;
  expect(worstDifference(canary.own.rewards, outputsInF64(checkpoint, head, canary, 2).rewards)).toBeLessThan(2e-5);
});

describe('heads from elsewhere', () => {
  function plain(seed: number): TinyCheckpoint {
    const checkpoint = makeTinyCheckpoint(TINY, seed);
    for (const name of checkpoint.tensors.keys()) if (!name.startsWith('model.')) checkpoint.tensors.delete(name);
    delete checkpoint.config['num_labels'];
    return checkpoint;
  }

  test('a plain language model takes given heads, and other heads later', async () => {
    const checkpoint = plain(14);
    const { sink, report } = await convert(checkpoint, { heads: zeroRewardHead(32, 4, [8]), dtype: 'f32' });
    expect(report.manifest.canaries[0]!.own.score).toBe(0);
    const donor = makeTinyCheckpoint({ ...TINY, gateHidden: [6, 7] }, 15);
    const { sink: donorSink, report: donorReport } = await convert(donor);
    const head = await headsOf(donorSink, donorReport.manifest);
    const before = new Map(sink.contents);
    const manifest = await replaceHeads(
      sink,
      filesOf(checkpoint),
      head,
      { name: 'Replaced', objectives: donorReport.manifest.objectives, bradleyTerryBeta: 3 },
      tools,
    );
    expect((await openPackage(sink.files)).manifest).toEqual(manifest);
    expect(manifest).toMatchObject({ name: 'Replaced', bradleyTerryBeta: 3, verbosityDimensions: [1] });
    expect(manifest.id).not.toBe(report.manifest.id);
    expect(await headsOf(sink, manifest)).toEqual(head);
    for (const file of ['stage-00.onnx', 'stage-00.data', 'embedding.safetensors'])
      expect(sink.contents.get(file)).toBe(before.get(file));
    for (const canary of manifest.canaries) {
      const expected = outputsInF64(checkpoint, head, canary);
      expect(worstDifference(canary.own.rewards, expected.rewards)).toBeLessThan(2e-5);
      expect(worstDifference(referenceOf(canary).rewards, expected.rewards)).toBeLessThan(2e-5);
    }
  });

  test('are refused where the checkpoint brings its own', async () => {
    await expect(convert(makeTinyCheckpoint(TINY, 16), { heads: zeroRewardHead(32, 4) })).rejects.toThrow(
      /regression_layer\.weight.*heads of its own/,
    );
  });

  test('are refused when they do not fit', async () => {
    await expect(convert(plain(17), { heads: zeroRewardHead(31, 4) })).rejects.toThrow(/31 numbers.*32/);
  });
});

test('an abort stops the conversion', async () => {
  const controller = new AbortController();
  const sink = memoryPackageSink('package');
  const running = convertCheckpoint(filesOf(makeTinyCheckpoint(TINY, 18)), sink, OPTIONS, tools, {
    signal: controller.signal,
    onProgress: ({ stage }) => {
      if (stage === 'convert') controller.abort();
    },
  });
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  expect(sink.contents.has('armoscope.json')).toBe(false);
});

test('an adapter merged while the weights stream by gives the package of a checkpoint merged beforehand', async () => {
  const rank = 3;
  const base = makeTinyCheckpoint(TINY, 41);
  const adapter = makeTinyCheckpoint(TINY, 42);
  const merged = makeTinyCheckpoint(TINY, 41);
  const weights: TensorData[] = [];
  for (const [name, { shape, values }] of merged.tensors) {
    if (!name.includes('_proj.')) continue;
    const [outputs, inputs] = [shape[0]!, shape[1]!];
    // Any random numbers of the right count: the other checkpoint's.
    const random = adapter.tensors.get('model.embed_tokens.weight')!.values;
    const [a, b] = [random.slice(0, rank * inputs), random.slice(rank * inputs, rank * (inputs + outputs))];
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += b[o * rank + k]! * a[k * inputs + i]!;
        values[o * inputs + i] = values[o * inputs + i]! + (2 / rank) * sum;
      }
    const stem = `base_model.model.${name.replace(/\.weight$/, '')}`;
    weights.push({ name: `${stem}.lora_A.weight`, dtype: 'F32', shape: [rank, inputs], data: a });
    weights.push({ name: `${stem}.lora_B.weight`, dtype: 'F32', shape: [outputs, rank], data: b });
  }
  const config = { peft_type: 'LORA', r: rank, lora_alpha: 2, target_modules: ['q_proj', 'down_proj'] };
  const files = new Map([
    ['adapter_config.json', new TextEncoder().encode(JSON.stringify(config))],
    ['adapter_model.safetensors', writeSafetensors(weights)],
  ]);
  const expected = await convert(merged, { dtype: 'q4' });
  const got = await convert(base, { dtype: 'q4', adapter: memoryFileSet('tuned', files) });
  expect(got.report.manifest.id).toBe(expected.report.manifest.id);
  expect(got.report.manifest.canaries).toEqual(expected.report.manifest.canaries);
  expect(got.report.adapter).toMatchObject({ name: 'tuned', baseModel: undefined });
  expect(got.report.adapter?.changed).toHaveLength(21);
  // Blocks of the source, where it has any, are those from before the adapter.
  const blocks: ConvertOptions['blocks'] = {
    formOf: (tensor) => (tensor.includes('_proj.') ? { name: 'Q4_1', hasMinima: true } : undefined),
    readRows: () => Promise.reject(new Error('the blocks of a changed matrix were read')),
  };
  const carried = await convert(base, { dtype: 'q4', adapter: memoryFileSet('tuned', files), blocks });
  expect(carried.report.manifest.id).toBe(expected.report.manifest.id);
  const plain = await convert(base, { dtype: 'q4' });
  expect(plain.report.manifest.id).not.toBe(expected.report.manifest.id);
});
