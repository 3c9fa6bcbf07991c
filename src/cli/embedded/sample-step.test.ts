import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { spearman } from '@/core/rank-correlation.ts';
import { openStage1Features, openStage2Features } from '@/formats/feature-files.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';
import { readSafetensorsHeader, readTensor, readTensorAsFloat32, requireShape } from '@/formats/safetensors.ts';
import { diskFileSet } from '../disk-files.ts';
import { VERBOSITY_DIMENSION } from './train-heads.ts';

const MOST_BYTES = 2_500_000;

async function sample(name: string) {
  const bytes = new Uint8Array(await readFile(`public/sample/${name}`));
  expect(bytes.length).toBeLessThanOrEqual(MOST_BYTES);
  return memorySource(name, bytes);
}

describe('the sample files', () => {
  it('reference: rewards and gates of this package, on which its correction leaves next to no correlation with verbosity', async () => {
    const source = await sample('embedded-reference.safetensors');
    const header = await readSafetensorsHeader(source);
    const files = diskFileSet('public/models/embedded');
    const { manifest } = await openPackage(files);
    const head = await readHeads(await openEntry(files, manifest.heads), manifest);
    const k = head.objectives;
    const rows = header.tensors.get('rewards')?.shape[0] ?? 0;
    expect(rows).toBeGreaterThanOrEqual(1000);
    for (const name of ['rewards', 'gate_weights']) requireShape(header, name, [rows, k]);
    for (const name of ['response_tokens', 'prompt_group']) requireShape(header, name, [rows]);
    const rewards = await readTensorAsFloat32(source, header, 'rewards');
    const gates = await readTensorAsFloat32(source, header, 'gate_weights');
    const tokenBytes = await readTensor(source, header, 'response_tokens');
    const tokens = [...new Int32Array(tokenBytes.slice().buffer)];
    for (let row = 0; row < rows; row += 1)
      expect(gates.subarray(row * k, (row + 1) * k).reduce((sum, g) => sum + g, 0)).toBeCloseTo(
        manifest.gate.logitScale,
        4,
      );
    const verbosity = Array.from({ length: rows }, (_, row) => rewards[row * k + VERBOSITY_DIMENSION] ?? Number.NaN);
    expect(spearman(verbosity, tokens)).toBeGreaterThan(0.9);
    for (let j = 0; j < k; j += 1) {
      if (j === VERBOSITY_DIMENSION) continue;
      const adjusted = verbosity.map((value, row) => {
        const change = head.transform[VERBOSITY_DIMENSION * k + j] ?? Number.NaN;
        return (rewards[row * k + j] ?? Number.NaN) + change * value;
      });
      // Zero on the whole reference set; these rows are a sample of it.
      expect(Math.abs(spearman(adjusted, verbosity)), manifest.objectives[j]?.name).toBeLessThan(0.12);
    }
  });

  it('stage 1 and 2: the authors’ layouts, in bfloat16, with a label for every objective', async () => {
    const stage1 = await openStage1Features(await sample('embedded-stage1.safetensors'));
    expect([stage1.hiddenSize, stage1.objectives, stage1.dtype]).toEqual([576, 19, 'BF16']);
    const labels = await stage1.readLabels(0, stage1.rows);
    for (let j = 0; j < 19; j += 1) {
      const known = Array.from({ length: stage1.rows }, (_, row) => labels[row * 19 + j] ?? 0).filter(Number.isFinite);
      expect(known.length, `objective ${j}`).toBeGreaterThan(40);
      expect(new Set(known).size).toBeGreaterThan(1);
    }
    const stage2 = await openStage2Features(await sample('embedded-stage2.safetensors'));
    expect([stage2.hiddenSize, stage2.promptRows, stage2.dtype]).toEqual([576, 2, 'BF16']);
    expect(stage2.pairs).toBeGreaterThanOrEqual(400);
    const prompts = await stage2.readPromptEmbeddings(0, stage2.pairs);
    expect(prompts.subarray(0, 576)).toEqual(prompts.subarray(576, 1152));
  });
});
