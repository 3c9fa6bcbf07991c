/**
 * The heads' part of a model package, written: `heads.safetensors`, and the manifest of a package that gets other heads. f32 in, f32 out.
 */
import { assertRewardHead, type RewardHead } from '@/core/reward-head.ts';
import { manifestFiles, validateManifest } from './manifest-checks.ts';
import type { Canary, FileEntry, Manifest } from './manifest.ts';
import { packageId } from './model-package.ts';
import { type TensorData, writeSafetensors } from './safetensors-writer.ts';

export const HEADS_FILE = 'heads.safetensors';

/** Manifest fields that come with the heads; what is absent stays as it was. */
export type HeadFields = Partial<
  Pick<
    Manifest,
    | 'name'
    | 'description'
    | 'licence'
    | 'notice'
    | 'source'
    | 'objectives'
    | 'referenceMeans'
    | 'bradleyTerryBeta'
    | 'scoreNoise'
  >
>;

/** The manifest of the same package under other heads. What was measured with the old ones is left out. */
export function manifestWithHeads(
  manifest: Manifest,
  head: RewardHead,
  fields: HeadFields,
  heads: FileEntry,
  canaries: readonly Canary[],
): Omit<Manifest, 'id'> {
  const { gate } = head;
  const renamed = fields.objectives?.some(({ name }, index) => name !== manifest.objectives[index]?.name) ?? false;
  // The noise of a score is the old heads'.
  const { activeObjectives: _, scoreNoise: __, checkpoint: seen, ...kept } = manifest;
  // The new heads were trained on this very backbone.
  const { layers: ___, ...origin } = seen ?? {};
  return {
    ...kept,
    ...(seen === undefined ? {} : { checkpoint: renamed ? { ...origin, namesFrom: 'file' as const } : origin }),
    ...fields,
    verbosityDimensions: verbosityDimensions(head),
    ...(gate.activeObjectives === undefined ? {} : { activeObjectives: [...gate.activeObjectives] }),
    gate: {
      rule: manifest.gate.rule,
      temperature: gate.temperature,
      logitScale: gate.logitScale,
      hidden: gateHiddenWidths(head),
    },
    heads,
    canaries: [...canaries],
  };
}

/** Gives a package its identity, after the same checks that every reader makes. @throws FormatError when a reader would refuse it. */
export async function sealManifest(content: Omit<Manifest, 'id'>): Promise<Manifest> {
  const hashes = manifestFiles({ ...content, id: '' }).map(({ entry }) => entry.sha256);
  return validateManifest({ ...content, id: await packageId(content.name, hashes) });
}

/** The bytes of `armoscope.json`. */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}

/** The bytes of `heads.safetensors` (README "The model package"). */
export function writeRewardHead(head: RewardHead): Uint8Array<ArrayBuffer> {
  assertRewardHead(head);
  const { objectives: k, featureSize: d } = head;
  const tensors: TensorData[] = [
    { name: 'regression.weight', dtype: 'F32', shape: [k, d], data: Float32Array.from(head.regression) },
    { name: 'transform', dtype: 'F32', shape: [k, k], data: Float32Array.from(head.transform) },
  ];
  for (const [index, { weight, bias, inputSize, outputSize }] of head.gate.layers.entries()) {
    const shape = [outputSize, inputSize];
    tensors.push({ name: `gate.${index}.weight`, dtype: 'F32', shape, data: Float32Array.from(weight) });
    tensors.push({ name: `gate.${index}.bias`, dtype: 'F32', shape: [outputSize], data: Float32Array.from(bias) });
  }
  return writeSafetensors(tensors, { format: 'armoscope-heads' }, HEADS_FILE);
}

/** Widths of the gate's hidden layers, as the manifest has them. */
export function gateHiddenWidths(head: RewardHead): number[] {
  return head.gate.layers.slice(0, -1).map(({ outputSize }) => outputSize);
}

/**
 * Objectives that the transform subtracts from others: rows of M with an entry off the diagonal (armorm.md I5); [4] for ArmoRM.
 */
export function verbosityDimensions(head: RewardHead): number[] {
  const k = head.objectives;
  const subtracts = (row: number): boolean => {
    for (let column = 0; column < k; column++)
      if (column !== row && head.transform[row * k + column] !== 0) return true;
    return false;
  };
  return Array.from({ length: k }, (_, row) => row).filter(subtracts);
}
