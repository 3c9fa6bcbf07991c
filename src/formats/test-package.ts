/** A tiny, complete model package in memory, for tests: real files, real hashes, shapes of a 3-objective model. */
import { defined } from '@/base/assert.ts';
import { memoryFileSet, memorySource } from './memory-source.ts';
import { hashFile } from './file-hash.ts';
import { packageId } from './model-package.ts';
import type { FileSet } from './byte-source.ts';
import type { FileEntry, Manifest } from './manifest.ts';
import { writeSafetensors } from './safetensors-writer.ts';

export const TEST_SHAPE = { hiddenSize: 4, objectives: 3, gateHidden: 5, vocabSize: 16 } as const;

/** Deterministic values that differ everywhere. */
export function ramp(length: number, scale = 0.125): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => ((i * 37) % 101) * scale - 3);
}

export function testHeads(): Uint8Array<ArrayBuffer> {
  const { hiddenSize: d, objectives: k, gateHidden: h } = TEST_SHAPE;
  return writeSafetensors([
    { name: 'regression.weight', dtype: 'F32', shape: [k, d], data: ramp(k * d) },
    { name: 'gate.0.weight', dtype: 'F32', shape: [h, d], data: ramp(h * d, 0.25) },
    { name: 'gate.0.bias', dtype: 'F32', shape: [h], data: ramp(h) },
    { name: 'gate.1.weight', dtype: 'F32', shape: [k, h], data: ramp(k * h, 0.5) },
    { name: 'gate.1.bias', dtype: 'F32', shape: [k], data: ramp(k, 1) },
    { name: 'transform', dtype: 'F32', shape: [k, k], data: ramp(k * k, 2) },
  ]);
}

export interface TestPackage {
  /** Parsed manifest, free to be spoiled. */
  readonly manifest: Manifest;
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  /** A file set with the manifest as it is now (or any other JSON in its place). */
  fileSet(manifest?: unknown): FileSet;
}

export async function testPackage(): Promise<TestPackage> {
  const { hiddenSize: d, vocabSize } = TEST_SHAPE;
  const text = (content: string) => new TextEncoder().encode(content);
  const files = new Map<string, Uint8Array<ArrayBuffer>>([
    [
      'embedding.safetensors',
      writeSafetensors([{ name: 'weight', dtype: 'F32', shape: [vocabSize, d], data: ramp(vocabSize * d) }]),
    ],
    ['heads.safetensors', testHeads()],
    ['stage-00.onnx', text('graph 0')],
    ['stage-00.data', text('data 0')],
    ['stage-01.onnx', text('graph 1')],
    ['stage-01.data', text('data 1')],
    ['tokenizer.json', text('{}')],
    ['tokenizer_config.json', text('{"a":1}')],
  ]);
  const entries = new Map<string, FileEntry>();
  for (const [file, bytes] of files)
    entries.set(file, { file, bytes: bytes.length, sha256: await hashFile(memorySource(file, bytes)) });
  const entry = (file: string) => defined(entries.get(file), file);
  const outputs = { rewards: [1, 2, 3], gateWeights: [0.5, 0.25, 0.25], score: 1.5 };
  const manifest: Manifest = {
    formatVersion: 1,
    id: '',
    name: 'Tiny',
    licence: 'Apache-2.0',
    source: { name: 'test' },
    architecture: {
      family: 'llama',
      hiddenSize: d,
      layers: 3,
      attentionHeads: 2,
      keyValueHeads: 1,
      headDim: 2,
      intermediateSize: 8,
      vocabSize,
      maxPositions: 128,
      rmsNormEps: 1e-5,
      rope: {
        theta: 10_000,
        scaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 },
      },
    },
    dtype: 'f32',
    objectives: ['one', 'two', 'three'].map((name) => ({
      name,
      group: 'g',
      description: '',
      labels: { kind: 'rated' as const, note: '' },
    })),
    verbosityDimensions: [1],
    activeObjectives: [0, 2],
    gate: { rule: { kind: 'last-pattern', tokenIds: [3, 4], text: 'x' }, temperature: 10, logitScale: 1, hidden: [5] },
    tokens: { chatTemplate: '{{ messages }}', bosId: 1, endOfTurnId: 3 },
    embedding: entry('embedding.safetensors'),
    heads: entry('heads.safetensors'),
    tokenizer: entry('tokenizer.json'),
    tokenizerConfig: entry('tokenizer_config.json'),
    stages: [
      { firstLayer: 0, endLayer: 2, graph: entry('stage-00.onnx'), data: [entry('stage-00.data')] },
      { firstLayer: 2, endLayer: 3, graph: entry('stage-01.onnx'), data: [entry('stage-01.data')] },
    ],
    canaries: [
      {
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'a' },
        ],
        tokenIds: Array.from({ length: 65 }, (_, i) => i % vocabSize),
        reference: outputs,
        own: structuredClone(outputs),
      },
    ],
    referenceMeans: [0, 0, 0],
  };
  manifest.id = await packageId(
    'tiny',
    [...entries.values()].map(({ sha256 }) => sha256),
  );
  return {
    manifest,
    files,
    fileSet: (json: unknown = manifest) =>
      memoryFileSet('tiny', new Map([...files, ['armoscope.json', text(JSON.stringify(json))]])),
  };
}
