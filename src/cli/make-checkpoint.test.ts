/** The checkpoint for measurements, small: it has ArmoRM's layout, and converts. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openCheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { readCheckpointConfig } from '@/formats/hugging-face.ts';
import { runConvert } from './convert.ts';
import { diskFileSet } from './disk-files.ts';
import { makeCheckpoint, makeCheckpointCommand, planTensors, PUBLISHED_SHAPE } from './make-checkpoint-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-make-'));
afterAll(() => rmSync(folder, { recursive: true }));
const SMALL = { layers: 2, width: 128 };

test('the published shapes: 7.5 billion weights in the published names', () => {
  const tensors = new Map(planTensors(PUBLISHED_SHAPE).map(({ name, shape }) => [name, shape]));
  expect(tensors.size).toBe(1 + 32 * 9 + 1 + 1 + 8 + 2);
  expect(tensors.get('model.embed_tokens.weight')).toEqual([128_257, 4096]);
  expect(tensors.get('model.layers.31.self_attn.k_proj.weight')).toEqual([1024, 4096]);
  expect(tensors.get('model.layers.0.mlp.down_proj.weight')).toEqual([4096, 14_336]);
  expect(tensors.get('gating.layers.0.weight')).toEqual([1024, 4096]);
  expect(tensors.get('gating.layers.3.bias')).toEqual([19]);
  expect(tensors.get('reward_transform_matrix')).toEqual([19, 19]);
  const weights = [...tensors.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const layer = 2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14_336 * 4096 + 2 * 4096;
  const heads = 19 * 4096 + (1024 * 4096 + 1024) + 2 * (1024 * 1024 + 1024) + (19 * 1024 + 19) + 1 + 19 * 19;
  expect(weights).toBe(128_257 * 4096 + 32 * layer + 4096 + heads);
  expect(weights).toBe(7_511_320_957);
});

describe('a small one', () => {
  test('lies in four shards with an index, the same for the same seed, and its rows differ', async () => {
    const [one, two, other] = [join(folder, 'one'), join(folder, 'two'), join(folder, 'other')];
    await makeCheckpoint(one, SMALL, 1);
    await makeCheckpoint(two, SMALL, 1);
    await makeCheckpoint(other, SMALL, 2);
    expect(readdirSync(one).filter((file) => file.endsWith('.safetensors'))).toHaveLength(4);
    const files = diskFileSet(one);
    const { architecture } = await readCheckpointConfig(files);
    expect(architecture).toMatchObject({ layers: 2, hiddenSize: 128, vocabSize: 128_257, headDim: 128 });
    const tensors = await openCheckpointTensors(files);
    const name = 'model.layers.1.mlp.gate_proj.weight';
    const values = await tensors.readAsFloat32(name);
    const rows = new Set(Array.from({ length: 448 }, (_, row) => values.subarray(row * 128, row * 128 + 4).join()));
    expect(rows.size).toBe(448);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(deviation).toBeCloseTo(1 / Math.sqrt(128), 2);
    const weightsOf = (from: string) => readFileSync(join(from, 'model-00004-of-00004.safetensors'));
    expect(Buffer.compare(weightsOf(one), weightsOf(two))).toBe(0);
    expect(Buffer.compare(weightsOf(one), weightsOf(other))).not.toBe(0);
  }, 120_000);

  test('converts by the commands', async () => {
    const [made, out] = [join(folder, 'made'), join(folder, 'package')];
    const messages: string[] = [];
    const terminal = { stream: { write() {} }, log: (message: string) => void messages.push(message) };
    expect(await makeCheckpointCommand(['--out', made, '--layers', '1', '--width', '128'], terminal)).toBe(0);
    expect(messages.join('\n')).toMatch(/made: 0\.03 GB/);
    expect(await makeCheckpointCommand(['--out', made, '--width', '100'], terminal)).toBe(2);
    const streams = { print() {}, printError: (line: string) => void messages.push(line), progress: { write() {} } };
    expect(await runConvert([made, '--out', out], streams, new AbortController().signal), messages.join('\n')).toBe(0);
  }, 240_000);
});
