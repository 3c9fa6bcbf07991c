/** Folding outside of ONNX Runtime gives what ONNX Runtime's own folding gives, to the bit. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Room } from '@/base/room.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { foldConstants } from '@/formats/onnx/folded-constants.ts';
import { Backbone, type BackboneStage } from './backbone.ts';
import type { Backend, StageFiles } from './backend.ts';
import { syntheticModel, syntheticTokens, type SyntheticForm } from './fixtures/synthetic-stage.ts';
import { oneThreadBackend } from './fixtures/one-thread-backend.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await oneThreadBackend();
});
afterAll(() => backend.dispose());

async function folded({ graph, data }: StageFiles) {
  const stage = foldConstants(await graph.read(0, graph.size), data);
  return {
    ...stage,
    files: {
      graph: memorySource(graph.name, stage.graph),
      data: stage.constants === undefined ? data : [...data, stage.constants],
    } satisfies StageFiles,
  };
}

const forms: readonly SyntheticForm[] = ['f32', 'f16', 'q4', 'q4-centred', 'q8'];

describe('foldConstants', () => {
  it.each(forms)('%s: the same features to the bit, and no constant left to fold', async (form) => {
    const { architecture, embedding, stages } = syntheticModel({ form });
    const changed: BackboneStage[] = [];
    for (const stage of stages) {
      const { graph, constants, files } = await folded(stage.files);
      expect(constants === undefined).toBe(form === 'f32');
      expect(foldConstants(graph, files.data).constants).toBeUndefined();
      // Operators' names stand in the file as they are.
      expect(new TextDecoder('latin1').decode(graph)).not.toContain('Cast');
      changed.push({ ...stage, files });
    }
    const tokenIds = syntheticTokens(70, architecture.vocabSize);
    const results = [];
    for (const each of [stages, changed]) {
      const backbone = await Backbone.create(backend, architecture, embedding, each);
      results.push(await backbone.features([{ tokenIds, rows: [0, 31, 69] }]));
      await backbone.dispose();
    }
    const [before, after] = results.map((result) => result[0]?.features);
    expect(before).toHaveLength(3);
    expect(after).toEqual(before);
  });

  it('gives the same bytes in pieces of any size', async () => {
    const [stage] = syntheticModel({ form: 'q4', inMemory: true }).stages;
    if (stage === undefined) throw new Error('no stage');
    const { constants } = await folded(stage.files);
    if (constants === undefined) throw new Error('nothing was folded');
    const { bytes } = constants;
    const whole = await bytes.read(0, bytes.size);
    const open = await bytes.openSync?.();
    const room = new Room();
    expect(new Set(whole).size).toBeGreaterThan(100);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.size), fc.nat(5000), async (offset, length) => {
        const end = Math.min(bytes.size, offset + length);
        expect(await bytes.read(offset, end - offset)).toEqual(whole.slice(offset, end));
        expect(open?.read(offset, end - offset, room)).toEqual(whole.slice(offset, end));
      }),
    );
    await expect(bytes.read(bytes.size - 1, 2)).rejects.toThrow(/asked for/);
  });

  it.each(forms)('%s: computes every tensor from its ranges, to the same bytes', async (form) => {
    for (const { files } of syntheticModel({ form, inMemory: true }).stages) {
      const { constants } = await folded(files);
      let next = 0;
      for (const constant of constants?.tensors ?? []) {
        const { offset, length, ranges } = constant;
        expect(offset).toBe(next);
        next += length;
        const read = await Promise.all(ranges.map((range) => range.source.read(range.offset, range.length)));
        // As in a mapped buffer: others lie before it.
        const target = new Uint8Array(16 + length).subarray(16);
        constant.compute(read, target);
        expect(target).toEqual(await constants?.bytes.read(offset, length));
      }
      expect(next).toBe(constants?.bytes.size ?? 0);
    }
  });
});
