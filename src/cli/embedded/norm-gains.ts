/**
 * The one change to the base model's weights: a gain for every element of every RMSNorm before a layer's attention and MLP, learned
 * by `tune-norms.py` on the training split (Bradley-Terry on built contrasts and preferences, four heads that are thrown away afterwards).
 * The 4-bit matrices stay as they are, to the bit. The file is committed: the same gains give the same features.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { FormatError } from '@/formats/errors.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { decodeFloat32, readSafetensorsHeader, readTensor, requireTensor } from '@/formats/safetensors.ts';

/** By name of the norm's weight in the Hugging Face layout, f32 [hidden size]; 1 leaves it as it is. */
export type NormGains = ReadonlyMap<string, Float32Array>;

const FILE = fileURLToPath(new URL('norm-gains.safetensors', import.meta.url));

/** The names of the norms that have gains, of the first `layers` layers. */
export function normNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
    ['input_layernorm', 'post_attention_layernorm'].map((norm) => `model.layers.${layer}.${norm}.weight`),
  );
}

/** Reads the committed gains. @throws FormatError when one of a layer is missing. */
export async function readNormGains(layers: number, path: string = FILE): Promise<NormGains> {
  const file = memorySource(path, new Uint8Array(await readFile(path)));
  const header = await readSafetensorsHeader(file);
  const gains = new Map<string, Float32Array>();
  for (const name of normNames(layers)) {
    const { dtype } = requireTensor(header, name);
    gains.set(name, decodeFloat32(await readTensor(file, header, name), dtype, `${path}: ${name}`));
  }
  return gains;
}

/** A tensor with its gains, in a new array; the tensor itself where it has none. @throws FormatError on another length. */
export function withNormGains(gains: NormGains, name: string, values: Float32Array): Float32Array {
  const own = gains.get(name);
  if (own === undefined) return values;
  if (own.length !== values.length)
    throw new FormatError('mismatch', name, `${own.length} gains for a norm of ${values.length}.`);
  return values.map((value, i) => value * own[i]!);
}
