/**
 * The names and shapes that a Llama backbone must have in a checkpoint, and the check that nothing is missing or surplus.
 */
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { FormatError } from '@/formats/errors.ts';
import type { Architecture } from '@/formats/manifest.ts';
import { isFloatDtype } from '@/formats/safetensors.ts';
import { LINEAR_NAMES, type LinearName } from './graph/decoder-stage.ts';

export const EMBEDDING_TENSOR = 'model.embed_tokens.weight';
export const FINAL_NORM_TENSOR = 'model.norm.weight';

export function layerTensor(layer: number, name: LinearName | 'input_layernorm' | 'post_attention_layernorm'): string {
  return `model.layers.${layer}.${name}.weight`;
}

/** [outputs, inputs] of a layer's matrix. */
export function linearShape(architecture: Architecture, name: LinearName): readonly [number, number] {
  const { hiddenSize, attentionHeads, keyValueHeads, headDim, intermediateSize } = architecture;
  const shapes: Record<LinearName, readonly [number, number]> = {
    'self_attn.q_proj': [attentionHeads * headDim, hiddenSize],
    'self_attn.k_proj': [keyValueHeads * headDim, hiddenSize],
    'self_attn.v_proj': [keyValueHeads * headDim, hiddenSize],
    'self_attn.o_proj': [hiddenSize, attentionHeads * headDim],
    'mlp.gate_proj': [intermediateSize, hiddenSize],
    'mlp.up_proj': [intermediateSize, hiddenSize],
    'mlp.down_proj': [hiddenSize, intermediateSize],
  };
  return shapes[name];
}

/**
 * Checks every tensor of the checkpoint: the backbone's by shape and dtype, the heads' by `headNames` (their shapes are
 * checked where they are read), all others refused.
 * @returns the names of tensors that belong to a Llama checkpoint but that no reward reads.
 * @throws FormatError naming the tensor.
 */
export function checkTensors(
  tensors: CheckpointTensors,
  architecture: Architecture,
  headNames: ReadonlySet<string>,
): string[] {
  const { hiddenSize, vocabSize, layers, headDim } = architecture;
  const expected = new Map<string, readonly number[]>([
    [EMBEDDING_TENSOR, [vocabSize, hiddenSize]],
    [FINAL_NORM_TENSOR, [hiddenSize]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    expected.set(layerTensor(layer, 'input_layernorm'), [hiddenSize]);
    expected.set(layerTensor(layer, 'post_attention_layernorm'), [hiddenSize]);
    for (const name of LINEAR_NAMES) expected.set(layerTensor(layer, name), linearShape(architecture, name));
  }
  // Known surplus: the language model's output layer, which no reward reads, and a table that old checkpoints carry
  // although it follows from the configuration.
  const tolerated = (name: string): readonly number[] | undefined => {
    if (name === 'lm_head.weight') return [vocabSize, hiddenSize];
    if (/^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/.test(name)) return [headDim / 2];
    return undefined;
  };
  // A name that does not belong first: it says more about a wrong checkpoint than whatever is missing.
  const unused: string[] = [];
  for (const name of tensors.infos.keys()) {
    if (expected.has(name) || headNames.has(name)) continue;
    const shape = tolerated(name);
    if (shape === undefined)
      throw new FormatError('unsupported', tensors.where(name), 'is not a tensor of a Llama reward model this reads.');
    tensors.require(name, shape);
    unused.push(name);
  }
  for (const [name, shape] of expected) {
    const { dtype } = tensors.require(name, shape);
    if (!isFloatDtype(dtype))
      throw new FormatError('unsupported', tensors.where(name), `is ${dtype} where F32, F16, BF16 or F64 is expected.`);
  }
  return unused;
}
