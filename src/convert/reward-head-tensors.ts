/** The heads of an ArmoRM checkpoint (armorm.md "Checkpoint tensors") as a `RewardHead`. f32 in, f32 out: nothing is rounded. */
import { identityTransform } from '@/core/debias.ts';
import { assertRewardHead, type GateLayer, type RewardHead } from '@/core/reward-head.ts';
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { FormatError } from '@/formats/errors.ts';
import type { CheckpointConfig } from '@/formats/hugging-face.ts';

/** ArmoRM's gate temperature (armorm.md I4). */
export const ARMORM_TEMPERATURE = 10;

/** Names of the head's tensors that the checkpoint holds; every other tensor belongs to the backbone or to nobody. */
export function headTensorNames(tensors: CheckpointTensors): Set<string> {
  const names = new Set(['regression_layer.weight', 'reward_transform_matrix']);
  if (tensors.has('gating.logit_scale')) names.add('gating.logit_scale');
  for (let layer = 0; layer < gateLayerCount(tensors); layer++) {
    names.add(`gating.layers.${layer}.weight`);
    names.add(`gating.layers.${layer}.bias`);
  }
  return names;
}

/** True for a checkpoint without any of the heads' tensors, a plain causal language model. */
export function hasNoHeads(tensors: CheckpointTensors): boolean {
  return (
    !tensors.has('regression_layer.weight') && !tensors.has('reward_transform_matrix') && gateLayerCount(tensors) === 0
  );
}

/** Layers are numbered without gaps; the first missing number ends them. */
function gateLayerCount(tensors: CheckpointTensors): number {
  let count = 0;
  while (tensors.has(`gating.layers.${count}.weight`) || tensors.has(`gating.layers.${count}.bias`)) count++;
  return count;
}

/** @throws FormatError naming the tensor or key that is missing, ill-shaped or holds no number. */
export async function readRewardHead(
  tensors: CheckpointTensors,
  config: CheckpointConfig,
  signal?: AbortSignal,
): Promise<RewardHead> {
  const d = config.architecture.hiddenSize;
  const regressionShape = tensors.require('regression_layer.weight').shape;
  const k = regressionShape[0] ?? 0;
  if (regressionShape.length !== 2 || regressionShape[1] !== d || k === 0)
    refuse(
      tensors,
      'regression_layer.weight',
      `has shape [${regressionShape.join(', ')}] where [objectives, ${d}] is expected.`,
    );
  const stated = config.gate.objectives;
  if (stated !== undefined && stated.count !== k)
    refuse(tensors, 'regression_layer.weight', `has ${k} rows, but ${stated.key} of config.json is ${stated.count}.`);
  tensors.require('reward_transform_matrix', [k, k]);
  const layers = await readGateLayers(tensors, config, d, k, signal);
  const { activeObjectives } = config.gate;
  const outside = activeObjectives?.find((index) => index >= k);
  if (outside !== undefined)
    throw new FormatError(
      'mismatch',
      'config.json: gating_active_attribute_indices',
      `names objective ${outside}, but there are ${k}.`,
    );
  const head: RewardHead = {
    objectives: k,
    featureSize: d,
    regression: await readFinite(tensors, 'regression_layer.weight', signal),
    gate: {
      layers,
      temperature: config.gate.temperature,
      logitScale: await readLogitScale(tensors, config, signal),
      ...(activeObjectives === undefined ? {} : { activeObjectives }),
    },
    transform: Float64Array.from(await readFinite(tensors, 'reward_transform_matrix', signal)),
  };
  assertRewardHead(head);
  return head;
}

async function readGateLayers(
  tensors: CheckpointTensors,
  config: CheckpointConfig,
  d: number,
  k: number,
  signal: AbortSignal | undefined,
): Promise<GateLayer[]> {
  const count = gateLayerCount(tensors);
  if (count === 0) refuse(tensors, 'gating.layers.0.weight', 'is missing.');
  const { hiddenDim, hiddenLayers } = config.gate;
  if (hiddenLayers !== undefined && hiddenLayers + 1 !== count)
    throw new FormatError(
      'mismatch',
      'config.json: gating_n_hidden',
      `says ${hiddenLayers} hidden layers, but the checkpoint's gate has ${count - 1}.`,
    );
  const layers: GateLayer[] = [];
  let inputSize = d;
  for (let layer = 0; layer < count; layer++) {
    const name = `gating.layers.${layer}.weight`;
    const shape = tensors.require(name).shape;
    const outputSize = layer === count - 1 ? k : (hiddenDim ?? shape[0] ?? 0);
    tensors.require(name, [outputSize, inputSize]);
    tensors.require(`gating.layers.${layer}.bias`, [outputSize]);
    layers.push({
      weight: await readFinite(tensors, name, signal),
      bias: await readFinite(tensors, `gating.layers.${layer}.bias`, signal),
      inputSize,
      outputSize,
    });
    inputSize = outputSize;
  }
  return layers;
}

/** The tensor is what was learned; the config's value stands in where a descendant keeps it there alone. */
async function readLogitScale(
  tensors: CheckpointTensors,
  config: CheckpointConfig,
  signal: AbortSignal | undefined,
): Promise<number> {
  const name = 'gating.logit_scale';
  if (!tensors.has(name))
    return config.gate.logitScale ?? refuse(tensors, name, 'is missing, and config.json has no gating_logit_scale.');
  const values = await readFinite(tensors, name, signal);
  if (values.length !== 1) refuse(tensors, name, `holds ${values.length} numbers where one is expected.`);
  return values[0]!;
}

function refuse(tensors: CheckpointTensors, tensor: string, what: string): never {
  throw new FormatError('mismatch', tensors.where(tensor), what);
}

async function readFinite(
  tensors: CheckpointTensors,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const values = await tensors.readAsFloat32(name, signal);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) refuse(tensors, name, `holds ${values[bad]} at element ${bad}.`);
  return values;
}

/**
 * A head of the right shapes whose every number is zero, for extracting features before there is anything better.
 * Its gate is uniform and its scores are 0.
 */
export function zeroRewardHead(featureSize: number, objectives: number, hidden: readonly number[] = []): RewardHead {
  const widths = [featureSize, ...hidden, objectives];
  return {
    objectives,
    featureSize,
    regression: new Float32Array(objectives * featureSize),
    gate: {
      layers: widths.slice(1).map((outputSize, index) => ({
        weight: new Float32Array(outputSize * widths[index]!),
        bias: new Float32Array(outputSize),
        inputSize: widths[index]!,
        outputSize,
      })),
      temperature: ARMORM_TEMPERATURE,
      logitScale: 1,
    },
    transform: identityTransform(objectives),
  };
}
