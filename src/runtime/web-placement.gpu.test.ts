/**
 * Every node of the converter's graphs really runs on WebGPU: ONNX Runtime moves what it has no kernel for to the CPU without
 * a word (runtime.md "Attention"). A file of its own, because the wasm module keeps the `console.error` it finds when it starts.
 */
import { expect, test, vi } from 'vitest';
import { Backbone } from './backbone.ts';
import { syntheticModel, syntheticTokens } from './fixtures/synthetic-stage.ts';
import type { SyntheticOptions } from './fixtures/synthetic-stage.ts';
import { webBackendFactory } from './web-factory.ts';

const lines: string[] = [];
vi.spyOn(console, 'error').mockImplementation((...parts) => void lines.push(parts.join(' ')));

/** One line per provider with nodes, as ONNX Runtime's `VerifyEachNodeIsAssignedToAnEp` logs it, then one line per node. */
async function placements(options: SyntheticOptions): Promise<string[]> {
  lines.length = 0;
  const made = await webBackendFactory({ verbose: true }).create('webgpu');
  if ('unavailable' in made) throw new Error(made.unavailable);
  const { architecture, embedding, stages } = syntheticModel(options);
  const backbone = await Backbone.create(made.backend, architecture, embedding, stages);
  await backbone.features([{ tokenIds: syntheticTokens(8, architecture.vocabSize), rows: [7] }]);
  await backbone.dispose();
  await made.backend.dispose();
  return lines.filter((line) => line.includes('placed on ['));
}

test.each<SyntheticOptions>([{ form: 'f32' }, { form: 'f16' }, { form: 'q4' }, { form: 'q4-centred' }, { form: 'q8' }])(
  '$form: all nodes of both stages are on WebGPU',
  async (options) => {
    const found = await placements(options);
    expect(found.map((line) => line.replace(/.*(All nodes placed on \[\w+\]).*/s, '$1'))).toEqual([
      'All nodes placed on [WebGpuExecutionProvider]',
      'All nodes placed on [WebGpuExecutionProvider]',
    ]);
  },
);
