/**
 * The ONNX graph of consecutive Llama decoder layers, as `src/formats/README.md` ("The stage graph") states it.
 * Lineage: Transformers `modeling_llama.py`; RMSNorm, rotary attention, SwiGLU, residuals, all activations f32.
 */
import { defined } from '@/base/assert.ts';
import type { Architecture } from '@/formats/manifest.ts';
import {
  addDecomposedAttention,
  addSharedAttentionValues,
  type SharedAttentionValues,
} from '@/formats/onnx/decomposed-attention.ts';
import { type ExternalTensor, GraphBuilder } from '@/formats/onnx/graph-builder.ts';

/** The seven matrices of a layer, by their place in the checkpoint's names. */
export const LINEAR_NAMES = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const;
export type LinearName = (typeof LINEAR_NAMES)[number];

/** How one linear layer y = x Wᵀ, W [outputs, inputs], lies in the data file. */
export type StoredLinear =
  | {
      /** The matrix as it is, transposed to [inputs, outputs]; f16 is widened once while the session is made. */
      readonly form: 'dense';
      readonly inputs: number;
      readonly outputs: number;
      readonly weight: ExternalTensor;
    }
  | {
      /** Blocks along the inputs: W = scale · q + minimum, or without minima W = scale · (q − 2^(bits−1)). */
      readonly form: 'blocks';
      readonly inputs: number;
      readonly outputs: number;
      readonly bits: 4 | 8;
      readonly blockSize: number;
      /** u8 [outputs, blocks, blockSize · bits / 8]. */
      readonly quants: ExternalTensor;
      /** f16 [outputs, blocks]. */
      readonly scales: ExternalTensor;
      /** f16 [outputs, blocks]. */
      readonly minima?: ExternalTensor;
    };

export interface StoredLayer {
  /** f32 [hiddenSize]. */
  readonly inputNorm: Float32Array;
  readonly postAttentionNorm: Float32Array;
  readonly linears: Readonly<Record<LinearName, StoredLinear>>;
}

/** A layer's matrices, gathered one by one. @throws AssertionError when one is missing. */
export function gatherLinears(stored: ReadonlyMap<LinearName, StoredLinear>): Record<LinearName, StoredLinear> {
  const one = (name: LinearName): StoredLinear => defined(stored.get(name), name);
  return {
    'self_attn.q_proj': one('self_attn.q_proj'),
    'self_attn.k_proj': one('self_attn.k_proj'),
    'self_attn.v_proj': one('self_attn.v_proj'),
    'self_attn.o_proj': one('self_attn.o_proj'),
    'mlp.gate_proj': one('mlp.gate_proj'),
    'mlp.up_proj': one('mlp.up_proj'),
    'mlp.down_proj': one('mlp.down_proj'),
  };
}

export interface DecoderStage {
  readonly architecture: Architecture;
  /** Absolute number of the first layer. */
  readonly firstLayer: number;
  readonly layers: readonly StoredLayer[];
  /** f32 [hiddenSize]; present in the last stage, which gathers rows and normalises them. */
  readonly finalNorm?: Float32Array;
  readonly producerVersion: string;
}

/**
 * ORT's `GroupQueryAttention` with rotary embedding refuses head widths that are no multiple of 16 (`CheckRotaryCaches` in
 * group_query_attention_helper.h, 1.30); those get plain operators.
 */
export function usesGroupQueryAttention(headDim: number): boolean {
  return headDim % 16 === 0;
}

/** Serialised graph of one stage. The initialisers' bytes are in the data files that the stored linears name. */
export function buildDecoderStage(stage: DecoderStage): Uint8Array<ArrayBuffer> {
  const { architecture, firstLayer, layers, finalNorm } = stage;
  const { hiddenSize, keyValueHeads, headDim } = architecture;
  const endLayer = firstLayer + layers.length;
  const graph = new GraphBuilder(`layers_${firstLayer}_to_${endLayer - 1}`);
  let hidden = graph.input('hidden', 'float32', [1, 'T', hiddenSize]);
  graph.input('cos', 'float32', ['C', headDim / 2]);
  graph.input('sin', 'float32', ['C', headDim / 2]);
  graph.input('seqlens_k', 'int32', [1]);
  graph.input('total_sequence_length', 'int32', []);
  for (let layer = firstLayer; layer < endLayer; layer++) {
    graph.input(`past_key.${layer}`, 'float32', [1, keyValueHeads, 'P', headDim]);
    graph.input(`past_value.${layer}`, 'float32', [1, keyValueHeads, 'P', headDim]);
  }
  if (finalNorm !== undefined) graph.input('rows', 'int64', ['R']);
  const shared = usesGroupQueryAttention(headDim)
    ? undefined
    : addSharedAttentionValues(graph, `past_key.${firstLayer}`);
  layers.forEach((stored, index) => {
    const last = index === layers.length - 1 && finalNorm === undefined;
    hidden = addLayer(graph, architecture, firstLayer + index, stored, shared, hidden, last ? 'hidden_out' : undefined);
  });
  if (finalNorm === undefined) {
    graph.output('hidden_out', 'float32', [1, 'T', hiddenSize]);
  } else {
    const rowsOfTokens = graph.node('/final/tokens', 'Squeeze', [hidden, graph.int64('/final/axis', [0])]);
    const gathered = graph.node('/final/gather', 'Gather', [rowsOfTokens, 'rows'], { attributes: { axis: 0 } });
    addNorm(graph, '/final/norm', gathered, finalNorm, architecture.rmsNormEps, 'features');
    graph.output('features', 'float32', ['R', hiddenSize]);
  }
  for (let layer = firstLayer; layer < endLayer; layer++) {
    graph.output(`present_key.${layer}`, 'float32', [1, keyValueHeads, 'S', headDim]);
    graph.output(`present_value.${layer}`, 'float32', [1, keyValueHeads, 'S', headDim]);
  }
  return graph.toBytes(stage.producerVersion);
}

function addLayer(
  graph: GraphBuilder,
  architecture: Architecture,
  layer: number,
  stored: StoredLayer,
  shared: SharedAttentionValues | undefined,
  input: string,
  outputName: string | undefined,
): string {
  const at = (name: string): string => `/layers.${layer}/${name}`;
  const linear = (name: LinearName, x: BlockSummed): string => addLinear(graph, at(name), stored.linears[name], x);
  const normalised = new BlockSummed(
    graph,
    addNorm(graph, at('input_norm'), input, stored.inputNorm, architecture.rmsNormEps),
  );
  const projections = {
    query: linear('self_attn.q_proj', normalised),
    key: linear('self_attn.k_proj', normalised),
    value: linear('self_attn.v_proj', normalised),
  };
  const attention =
    shared === undefined
      ? addGroupQueryAttention(graph, layer, architecture, projections)
      : addDecomposedAttention(graph, layer, architecture, shared, projections);
  const attended = linear('self_attn.o_proj', new BlockSummed(graph, attention));
  const middle = graph.node(at('attention_residual'), 'Add', [input, attended]);
  const normalisedMiddle = new BlockSummed(
    graph,
    addNorm(graph, at('post_attention_norm'), middle, stored.postAttentionNorm, architecture.rmsNormEps),
  );
  const gate = linear('mlp.gate_proj', normalisedMiddle);
  const up = linear('mlp.up_proj', normalisedMiddle);
  const sigmoid = graph.node(at('mlp/sigmoid'), 'Sigmoid', [gate]);
  const activated = graph.node(at('mlp/silu'), 'Mul', [gate, sigmoid]);
  const product = graph.node(at('mlp/product'), 'Mul', [activated, up]);
  const down = linear('mlp.down_proj', new BlockSummed(graph, product));
  return graph.node(at('mlp_residual'), 'Add', [middle, down], {}, outputName ?? at('mlp_residual'));
}

/** ORT's RMSNorm: x / sqrt(mean(x²) + eps) · gamma, computed in f32. It lives in the main domain, version 1. */
function addNorm(
  graph: GraphBuilder,
  name: string,
  input: string,
  gamma: Float32Array,
  epsilon: number,
  outputName = name,
): string {
  const scale = graph.float32(`${name}.weight`, [gamma.length], gamma);
  return graph.node(
    name,
    'SimplifiedLayerNormalization',
    [input, scale],
    { attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 } },
    outputName,
  );
}

function addGroupQueryAttention(
  graph: GraphBuilder,
  layer: number,
  architecture: Architecture,
  projections: { readonly query: string; readonly key: string; readonly value: string },
): string {
  const name = `/layers.${layer}/attention`;
  graph.nodeWithOutputs(
    name,
    'GroupQueryAttention',
    [
      projections.query,
      projections.key,
      projections.value,
      `past_key.${layer}`,
      `past_value.${layer}`,
      'seqlens_k',
      'total_sequence_length',
      'cos',
      'sin',
    ],
    [name, `present_key.${layer}`, `present_value.${layer}`],
    {
      domain: 'com.microsoft',
      attributes: {
        num_heads: architecture.attentionHeads,
        kv_num_heads: architecture.keyValueHeads,
        do_rotary: 1,
        rotary_interleaved: 0,
        scale: { float: 1 / Math.sqrt(architecture.headDim) },
      },
    },
  );
  return name;
}

/** A value with the sums of its blocks, made once for all the linears that read it. */
class BlockSummed {
  readonly value: string;
  private readonly graph: GraphBuilder;
  private readonly sums = new Map<number, string>();
  constructor(graph: GraphBuilder, value: string) {
    this.graph = graph;
    this.value = value;
  }
  /** f32 [1,T,inputs/blockSize]. */
  blockSums(inputs: number, blockSize: number): string {
    let sums = this.sums.get(blockSize);
    if (sums === undefined) {
      const name = `${this.value}/sums_of_${blockSize}`;
      const dims = this.graph.int64(`${name}/dims`, [1, -1, inputs / blockSize, blockSize]);
      const blocks = this.graph.node(`${name}/blocks`, 'Reshape', [this.value, dims]);
      const axis = this.graph.int64(`${name}/axis`, [3]);
      sums = this.graph.node(name, 'ReduceSum', [blocks, axis], { attributes: { keepdims: 0 } });
      this.sums.set(blockSize, sums);
    }
    return sums;
  }
}

/**
 * y = x Wᵀ. `MatMulNBits` without zero points multiplies by s · (q − zero), zero = 2^(bits−1), so for blocks with minima
 * y = MatMulNBits(x) + blocksums(x) · (m + zero · s)ᵀ. Exact with every provider; none but the CPU takes fractional zero
 * points, and there they are slower (1.3-1.6×, onnxruntime-node 1.30, 256 tokens of 576×1536).
 */
function addLinear(graph: GraphBuilder, name: string, linear: StoredLinear, x: BlockSummed): string {
  if (linear.form === 'dense')
    return graph.node(name, 'MatMul', [x.value, addWidened(graph, `${name}.weight`, linear.weight)]);
  const { inputs, outputs, bits, blockSize, minima } = linear;
  const scales = addWidened(graph, `${name}.scales`, linear.scales);
  const product = graph.node(
    minima === undefined ? name : `${name}/product`,
    'MatMulNBits',
    [x.value, graph.external(`${name}.quants`, linear.quants), scales],
    {
      domain: 'com.microsoft',
      // Level 0: activations are never quantised (runtime.md "Attention", the level 4 trap).
      attributes: { K: inputs, N: outputs, bits, block_size: blockSize, accuracy_level: 0 },
    },
  );
  if (minima === undefined) return product;
  const zero = graph.float32(`${name}/zero`, [], Float32Array.of(2 ** (bits - 1)));
  const centre = graph.node(`${name}/centre`, 'Add', [
    graph.node(`${name}/half_range`, 'Mul', [scales, zero]),
    addWidened(graph, `${name}.minima`, minima),
  ]);
  const offsets = graph.node(`${name}/offsets`, 'Transpose', [centre], { attributes: { perm: [1, 0] } });
  const sums = x.blockSums(inputs, blockSize);
  return graph.node(name, 'Add', [product, graph.node(`${name}/offset`, 'MatMul', [sums, offsets])]);
}

/**
 * An f16 initialiser behind a Cast to f32. ORT folds constants on the CPU before it hands nodes to a provider, so this needs
 * no `shader-f16`: the file is half as large, memory is the same as for f32.
 */
function addWidened(graph: GraphBuilder, name: string, tensor: ExternalTensor): string {
  if (tensor.type === 'float32') return graph.external(name, tensor);
  const stored = graph.external(`${name}.stored`, tensor);
  return graph.node(name, 'Cast', [stored], { attributes: { to: 1 } });
}
