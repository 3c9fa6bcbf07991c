/**
 * GPU memory stays bounded however much the lengths of texts differ: after a warm-up, runs of lengths never seen before live on
 * the buffers that earlier runs gave back.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { Backbone } from './backbone.ts';
import type { Backend } from './backend.ts';
import { syntheticModel, syntheticTokens } from './fixtures/synthetic-stage.ts';
import { webBackendFactory } from './web-factory.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function webGpu(): Promise<Backend> {
  const made = await webBackendFactory().create('webgpu');
  if ('unavailable' in made) throw new Error(made.unavailable);
  return made.backend;
}

/** Bytes of the storage buffers that are created while `work` runs. */
async function storageBytesCreatedBy(work: () => Promise<void>): Promise<number> {
  const created = vi.spyOn(GPUDevice.prototype, 'createBuffer');
  try {
    await work();
    return created.mock.calls
      .filter(([{ usage }]) => (usage & GPUBufferUsage.STORAGE) !== 0)
      .reduce((bytes, [{ size }]) => bytes + size, 0);
  } finally {
    created.mockRestore();
  }
}

test('texts of new lengths reuse the GPU buffers of earlier ones', async () => {
  const backend = await webGpu();
  const { architecture, embedding, stages } = syntheticModel({ form: 'f32' });
  const backbone = await Backbone.create(backend, architecture, embedding, stages, { chunkTokens: 64 });
  const score = async (lengths: readonly number[]): Promise<void> => {
    for (const length of lengths)
      await backbone.features([{ tokenIds: syntheticTokens(length, architecture.vocabSize), rows: [length - 1] }]);
  };
  const first = await storageBytesCreatedBy(() => score([150, 90, 61, 137]));
  const later = await storageBytesCreatedBy(() => score([149, 91, 63, 139]));
  console.info(`storage buffers created: ${first} bytes at first, ${later} bytes by four texts of other lengths`);
  expect(first).toBeGreaterThan(0);
  expect(later).toBeLessThan(first / 4);
  await backbone.dispose();
  await backend.dispose();
});
