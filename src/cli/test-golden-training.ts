/** The training goldens (src/core/fixtures) as the files a user has, for tests of the command line. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memorySource } from '@/formats/memory-source.ts';
import { readSafetensorsHeader, readTensor, readTensorAsFloat32, requireTensor } from '@/formats/safetensors.ts';
import { type TensorData, writeSafetensors } from '@/formats/safetensors-writer.ts';

export interface TrainingGolden {
  readonly steps: number;
  readonly pairs: number;
  readonly d: number;
  readonly objectives: number;
  readonly temperature: number;
  readonly beta_initial: number;
  readonly losses: readonly number[];
  readonly batch_accuracy: readonly number[];
  readonly learning_rates: readonly number[];
  readonly batches: readonly (readonly number[])[] | string;
  readonly beta: Readonly<Record<string, number>>;
  readonly tolerance: { readonly loss: number; readonly params_after_200: number };
}

export interface GoldenRun {
  readonly golden: TrainingGolden;
  readonly features: string;
  readonly heads: string;
  readonly init: string;
  /** Parameters after the last step, by ArmoRM's names. */
  readonly after: ReadonlyMap<string, Float32Array>;
}

const fixture = (name: string) => readFileSync(new URL(`../core/fixtures/${name}`, import.meta.url));

/** Writes `features.safetensors` (bf16, `[N,2,d]` twice), `heads.safetensors` and `init.safetensors` into `folder`. */
export async function writeGoldenRun(name: string, folder: string): Promise<GoldenRun> {
  const golden: TrainingGolden = JSON.parse(fixture(`${name}.json`).toString());
  const source = memorySource(name, new Uint8Array(fixture(`${name}.safetensors`)));
  const header = await readSafetensorsHeader(source);
  const stored = async (tensor: string): Promise<TensorData> => {
    const { dtype, shape } = requireTensor(header, tensor);
    return { name: tensor, dtype, shape, data: await readTensor(source, header, tensor) };
  };
  const { pairs, d } = golden;
  const shared = await readTensor(source, header, 'prompt_embeddings');
  const doubled = new Uint8Array(2 * shared.length);
  for (let pair = 0; pair < pairs; pair++)
    for (let side = 0; side < 2; side++)
      doubled.set(shared.subarray(pair * 2 * d, (pair + 1) * 2 * d), (2 * pair + side) * 2 * d);
  const write = async (file: string, tensors: TensorData[]): Promise<string> => {
    const path = join(folder, file);
    await writeFile(path, writeSafetensors(tensors));
    return path;
  };
  const gateNames = [...header.tensors.keys()].filter((tensor) => tensor.startsWith('gating.'));
  const after = new Map<string, Float32Array>();
  for (const tensor of header.tensors.keys())
    if (tensor.startsWith('after_200.'))
      after.set(tensor.slice('after_200.'.length), await readTensorAsFloat32(source, header, tensor));
  return {
    golden,
    features: await write('features.safetensors', [
      { ...(await stored('embeddings')), shape: [pairs, 2, d] },
      { name: 'prompt_embeddings', dtype: 'BF16', shape: [pairs, 2, d], data: doubled },
    ]),
    heads: await write('heads.safetensors', [
      await stored('regression_layer.weight'),
      await stored('reward_transform_matrix'),
    ]),
    init: await write('init.safetensors', await Promise.all(gateNames.map(stored))),
    after,
  };
}
