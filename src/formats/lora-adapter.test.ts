/** LoRA adapters against merges that NumPy made and that peft itself made (versions in each golden's `meta`), and refusals by name. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openCheckpointTensors } from './checkpoint-tensors.ts';
import { adaptCheckpoint, ADAPTER_CONFIG_FILE, ADAPTER_FILE } from './lora-adapter.ts';
import { memoryFileSet, memorySource } from './memory-source.ts';
import { decodeFloat32, readSafetensorsHeader } from './safetensors.ts';
import { type TensorData, writeSafetensors } from './safetensors-writer.ts';

interface Golden {
  readonly base: string;
  readonly cases: readonly {
    readonly name: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly adapter: string;
    readonly merged: Readonly<Record<string, readonly number[]>>;
  }[];
}

// Our own fixture: its shape is part of the tree.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const golden = JSON.parse(readFileSync(new URL('./fixtures/lora-golden.json', import.meta.url), 'utf8')) as Golden;
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, 'base64'));

function adapterFiles(config: unknown, weights: Uint8Array<ArrayBuffer>) {
  return memoryFileSet(
    'adapter',
    new Map([
      [ADAPTER_CONFIG_FILE, new TextEncoder().encode(JSON.stringify(config))],
      [ADAPTER_FILE, weights],
    ]),
  );
}

const openBase = () =>
  openCheckpointTensors(memoryFileSet('base', new Map([['model.safetensors', bytesOf(golden.base)]])));

/** Distance in f32 values of the same sign. */
function stepsApart(a: number, b: number): number {
  const bits = new Int32Array(Float32Array.of(a, b).buffer);
  return Math.abs(bits[0]! - bits[1]!);
}

describe.each(golden.cases)('$name', ({ config, adapter, merged }) => {
  test('is merged as NumPy merges it, whole and by rows', async () => {
    const adapted = await adaptCheckpoint(await openBase(), adapterFiles(config, bytesOf(adapter)));
    expect(adapted.adapter).toEqual({
      name: 'adapter',
      baseModel: 'owner/base',
      changed: Object.keys(merged).sort(),
    });
    for (const [tensor, expected] of Object.entries(merged)) {
      const values = await adapted.tensors.readAsFloat32(tensor);
      expect(values.length).toBe(expected.length);
      for (const [i, value] of values.entries()) expect(stepsApart(value, expected[i]!)).toBeLessThanOrEqual(1);
      const rows = await adapted.tensors.readRowsAsFloat32(tensor, 1, 2);
      expect([...rows]).toEqual([...values.subarray(8, 24)]);
      expect(() => adapted.tensors.read(tensor)).toThrow('adapter');
    }
  });

  test('leaves the other tensors alone', async () => {
    const base = await openBase();
    const adapted = await adaptCheckpoint(base, adapterFiles(config, bytesOf(adapter)));
    const others = [...base.infos.keys()].filter((tensor) => !(tensor in merged));
    const read = (tensors: typeof base) => Promise.all(others.map((tensor) => tensors.readAsFloat32(tensor)));
    expect(await read(adapted.tensors)).toEqual(await read(base));
  });
});

interface PeftGolden {
  readonly base: string;
  readonly cases: readonly {
    readonly name: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly adapter: string;
    /** Tensors that `merge_and_unload` changed; absent where the adapter is to be refused. */
    readonly merged?: Readonly<Record<string, string>>;
  }[];
}

describe('adapters that peft saved', () => {
  // Our own fixture: its shape is part of the tree.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const peft = JSON.parse(readFileSync(new URL('./fixtures/lora-peft.json', import.meta.url), 'utf8')) as PeftGolden;
  const open = () => openCheckpointTensors(memoryFileSet('base', new Map([['model.safetensors', bytesOf(peft.base)]])));

  test('DoRA is refused by its key', async () => {
    const refused = peft.cases.filter(({ merged }) => merged === undefined);
    expect(refused.map(({ name }) => name)).toEqual(['DoRA']);
    for (const { config: given, adapter: weights } of refused)
      await expect(adaptCheckpoint(await open(), adapterFiles(given, bytesOf(weights)))).rejects.toThrow(
        `${ADAPTER_CONFIG_FILE}: use_dora: DoRA`,
      );
  });

  const mergedCases = peft.cases.flatMap(({ merged, ...one }) => (merged === undefined ? [] : [{ ...one, merged }]));
  test.each(mergedCases)('$name', async ({ config: given, adapter: weights, merged }) => {
    const base = await open();
    const { tensors } = await adaptCheckpoint(base, adapterFiles(given, bytesOf(weights)));
    for (const name of base.infos.keys()) {
      const [before, values] = [await base.readAsFloat32(name), await tensors.readAsFloat32(name)];
      const bytes = merged[name];
      const expected = bytes === undefined ? before : new Float32Array(bytesOf(bytes).buffer);
      expect(values.length, name).toBe(expected.length);
      for (const [i, value] of values.entries()) {
        // PyTorch sums B A in f32, we in f64: two units in the last place of the larger of weight and change.
        const tolerance = 2 ** -22 * Math.max(Math.abs(before[i]!), Math.abs(expected[i]! - before[i]!));
        expect(Math.abs(value - expected[i]!), `${name}[${i}]`).toBeLessThanOrEqual(tolerance);
      }
    }
  });

  test('the two names that peft adds for a classifier are a demand only where they stand alone', async () => {
    const { config: given, adapter: weights } = peft.cases[0]!;
    expect(given).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['classifier', 'score'] });
    for (const change of [
      { modules_to_save: ['classifier'] },
      { task_type: null },
      { modules_to_save: ['norm', 'classifier', 'score'] },
    ])
      await expect(
        adaptCheckpoint(await open(), adapterFiles({ ...given, ...change }, bytesOf(weights))),
      ).rejects.toThrow(`${ADAPTER_CONFIG_FILE}: modules_to_save`);
  });
});

const { config, adapter } = golden.cases[0]!;

/** The first adapter with its tensors changed. */
async function withTensors(edit: (tensors: TensorData[]) => TensorData[]): Promise<Uint8Array<ArrayBuffer>> {
  const file = bytesOf(adapter);
  const { tensors } = await readSafetensorsHeader(memorySource(ADAPTER_FILE, file));
  const data = [...tensors.values()].map(({ name, dtype, shape, begin, end }) => ({
    name,
    dtype,
    shape,
    data: decodeFloat32(file.slice(begin, end), dtype, name),
  }));
  return writeSafetensors(edit(data));
}

function renamed(from: string, to: string): Promise<Uint8Array<ArrayBuffer>> {
  return withTensors((tensors) => tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(from, to) })));
}

describe('refused by name', () => {
  const Q = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';
  const keys: readonly (readonly [string, unknown])[] = [
    ['peft_type', 'LOHA'],
    ['use_dora', true],
    ['bias', 'lora_only'],
    ['lora_bias', true],
    ['init_lora_weights', 'pissa_niter_16'],
    ['layer_replication', [[0, 2]]],
    ['alora_invocation_tokens', [1, 2]],
    ['r', 0],
    ['lora_alpha', '16'],
    ['rank_pattern', { q_proj: 'two' }],
    ['alpha_pattern', []],
    ['target_modules', ['q_proj', 'v_proj', 'k_proj']],
    ['modules_to_save', ['score']],
    ['something_new', { strength: 2 }],
  ];
  test.each(keys)('%s = %j', async (key, value) => {
    const files = adapterFiles({ ...config, [key]: value }, bytesOf(adapter));
    await expect(adaptCheckpoint(await openBase(), files)).rejects.toThrow(`${ADAPTER_CONFIG_FILE}: ${key}`);
  });

  const tensors: readonly (readonly [string, () => Promise<Uint8Array<ArrayBuffer>>, RegExp])[] = [
    ['half of a pair', () => withTensors((all) => all.filter(({ name }) => name !== Q)), /q_proj.*other half/],
    ['a module that is not there', () => renamed('layers.0', 'layers.7'), /adapts model\.layers\.7.*does not have/],
    [
      'a magnitude of DoRA',
      () => withTensors((all) => [...all, { ...all[0]!, name: Q.replace('lora_A.weight', 'lora_magnitude_vector') }]),
      /lora_magnitude_vector/,
    ],
    ['an embedding’s pair', () => renamed('lora_A.weight', 'lora_embedding_A'), /lora_embedding_A/],
    [
      'another width',
      () =>
        withTensors((all) => all.map((one) => (one.name === Q ? { ...one, shape: [...one.shape].reverse() } : one))),
      /q_proj\.lora_A.*has shape \[8, 4\] where \[4, 8\]/,
    ],
  ];
  test.each(tensors)('%s', async (_, weights, says) => {
    await expect(adaptCheckpoint(await openBase(), adapterFiles(config, await weights()))).rejects.toThrow(says);
  });

  test('a folder without the adapter’s files', async () => {
    await expect(adaptCheckpoint(await openBase(), memoryFileSet('adapter', new Map()))).rejects.toThrow(
      /adapter_config\.json: adapter does not have this file/,
    );
  });

  test('a whole tensor of another shape', async () => {
    const head = { name: 'base_model.model.regression_layer.weight', dtype: 'F32', shape: [2, 8] } as const;
    const weights = await withTensors((all) => [...all, { ...head, data: new Float32Array(16) }]);
    await expect(adaptCheckpoint(await openBase(), adapterFiles(config, weights))).rejects.toThrow(/regression_layer/);
  });
});
