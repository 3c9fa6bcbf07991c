/** Plain operators in the place of `GroupQueryAttention` give its features, whatever came before a chunk. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '@/formats/memory-source.ts';
import { decomposeAttention } from '@/formats/onnx/decomposed-attention.ts';
import { Backbone, type BackboneStage } from './backbone.ts';
import type { Backend } from './backend.ts';
import { syntheticModel, syntheticTokens } from './fixtures/synthetic-stage.ts';
import { oneThreadBackend } from './fixtures/one-thread-backend.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await oneThreadBackend();
});
afterAll(() => backend.dispose());

async function graphOf({ files: { graph } }: BackboneStage) {
  return graph.read(0, graph.size);
}

/** Operators' names stand in the file as they are. */
function text(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder('latin1').decode(bytes);
}

describe('decomposeAttention', () => {
  it('gives the same features in chunks, after a shared start, and at every row', async () => {
    const { architecture, embedding, stages } = syntheticModel({ form: 'q4' });
    const plain: BackboneStage[] = [];
    for (const stage of stages) {
      const before = await graphOf(stage);
      const after = decomposeAttention(before);
      expect(text(before)).toContain('GroupQueryAttention');
      expect(text(after)).not.toContain('GroupQueryAttention');
      expect(decomposeAttention(after)).toBe(after);
      plain.push({ ...stage, files: { ...stage.files, graph: memorySource('plain.onnx', after) } });
    }
    const start = syntheticTokens(50, architecture.vocabSize);
    const sequences = [7, 1, 23].map((length, at) => {
      const end = syntheticTokens(50 + length, architecture.vocabSize).subarray(50);
      const own = end.map((token) => (token + at + 1) % architecture.vocabSize);
      return { tokenIds: Int32Array.from([...start, ...own]), rows: [0, 31, 49 + length] };
    });
    const features: Float32Array[][] = [];
    for (const each of [stages, plain]) {
      const backbone = await Backbone.create(backend, architecture, embedding, each, { chunkTokens: 20 });
      const results = await backbone.features(sequences);
      features.push(results.flatMap((result) => result.features));
      await backbone.dispose();
    }
    const [expected = [], found = []] = features;
    expect(found).toHaveLength(9);
    for (const [at, row] of expected.entries()) {
      const largest = Math.max(...row.map(Math.abs));
      const worst = Math.max(...row.map((value, i) => Math.abs(value - (found[at]?.[i] ?? Number.NaN))));
      expect(worst / largest).toBeLessThan(2e-6);
    }
  });

  it('leaves a graph as it is that has no such operator', async () => {
    const [stage] = syntheticModel({ form: 'f32', headDim: 24 }).stages;
    if (stage === undefined) throw new Error('no stage');
    const bytes = await graphOf(stage);
    expect(text(bytes)).not.toContain('GroupQueryAttention');
    expect(decomposeAttention(bytes)).toBe(bytes);
  });
});
