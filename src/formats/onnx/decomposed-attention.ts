/**
 * Causal grouped attention from plain ONNX operators, for head widths that `GroupQueryAttention` does not take, and for wasm, where
 * that operator is slow: 100 tokens after 500 take it 82 ms a layer of nine heads, plain operators 9 (onnxruntime-web 1.31, two
 * threads; natively 1.5). It reads and writes the same graph inputs and outputs, so that whoever drives a stage need not know which
 * form it has.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { GraphBuilder } from './graph-builder.ts';
import { ModelProtoSchema, type GraphProto, type NodeProto } from './onnx_pb.ts';

/** Values that every layer of a stage shares. */
export interface SharedAttentionValues {
  /** f32 [T, headDim/2] of the new tokens' positions. */
  readonly cos: string;
  readonly sin: string;
  /** f32 [T, S]: 0 where a row may look, −1e30 where it may not. */
  readonly mask: string;
}

export interface AttentionShape {
  readonly attentionHeads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** Adds positions and mask. `pastKey` is any layer's `past_key`, whose third dimension is P. */
export function addSharedAttentionValues(graph: GraphBuilder, pastKey: string): SharedAttentionValues {
  const zero = graph.int64('/attention/zero', [0], []);
  const one = graph.int64('/attention/one', [1], []);
  const zeroes = graph.int64('/attention/axis0', [0]);
  const ones = graph.int64('/attention/axis1', [1]);
  const past = graph.node('/attention/past', 'Shape', [pastKey], { attributes: { start: 2, end: 3 } });
  const pastScalar = graph.node('/attention/past_scalar', 'Squeeze', [past, zeroes]);
  const total = graph.node('/attention/total_scalar', 'Cast', ['total_sequence_length'], { attributes: { to: INT64 } });
  const totalVector = graph.node('/attention/total', 'Unsqueeze', [total, zeroes]);
  const cos = graph.node('/attention/cos', 'Slice', ['cos', past, totalVector, zeroes]);
  const sin = graph.node('/attention/sin', 'Slice', ['sin', past, totalVector, zeroes]);
  const columns = graph.node('/attention/columns', 'Range', [zero, total, one]);
  const rows = graph.node('/attention/rows', 'Range', [pastScalar, total, one]);
  const columnPositions = graph.node('/attention/column_positions', 'Cast', [columns], { attributes: { to: FLOAT } });
  const rowPositions = graph.node('/attention/row_positions', 'Cast', [rows], { attributes: { to: FLOAT } });
  const rowColumn = graph.node('/attention/row_column', 'Unsqueeze', [rowPositions, ones]);
  const ahead = graph.node('/attention/ahead', 'Greater', [columnPositions, rowColumn]);
  const aheadNumber = graph.node('/attention/ahead_number', 'Cast', [ahead], { attributes: { to: FLOAT } });
  const hidden = graph.float32('/attention/hidden', [], Float32Array.of(-1e30));
  const mask = graph.node('/attention/mask', 'Mul', [aheadNumber, hidden]);
  return { cos, sin, mask };
}

/** `TensorProto.DataType` numbers of the ONNX specification, as `Cast` wants them. */
const FLOAT = 1;
const INT64 = 7;

/**
 * Adds one layer's attention; `query` [1,T,heads·headDim], `key` and `value` [1,T,kvHeads·headDim], not yet rotated.
 * Writes `present_key.{layer}` and `present_value.{layer}`. Returns [1,T,heads·headDim].
 */
export function addDecomposedAttention(
  graph: GraphBuilder,
  layer: number,
  shape: AttentionShape,
  shared: SharedAttentionValues,
  projections: { readonly query: string; readonly key: string; readonly value: string },
): string {
  const { attentionHeads, keyValueHeads, headDim } = shape;
  const at = (name: string): string => `/layers.${layer}/attention/${name}`;
  const split = (name: string, value: string, heads: number): string => {
    const dims = graph.int64(at(`${name}_dims`), [1, -1, heads, headDim]);
    const headed = graph.node(at(`${name}_headed`), 'Reshape', [value, dims]);
    return graph.node(at(`${name}_heads`), 'Transpose', [headed], { attributes: { perm: [0, 2, 1, 3] } });
  };
  const rotate = (name: string, value: string): string => {
    const [first, second] = [at(`${name}_first`), at(`${name}_second`)];
    graph.nodeWithOutputs(at(`${name}_halves`), 'Split', [value], [first, second], {
      attributes: { axis: 3, num_outputs: 2 },
    });
    const product = (part: string, half: string, table: string): string =>
      graph.node(at(`${name}_${part}`), 'Mul', [half, table]);
    const low = graph.node(at(`${name}_low`), 'Sub', [
      product('first_cos', first, shared.cos),
      product('second_sin', second, shared.sin),
    ]);
    const high = graph.node(at(`${name}_high`), 'Add', [
      product('second_cos', second, shared.cos),
      product('first_sin', first, shared.sin),
    ]);
    return graph.node(at(`${name}_rotated`), 'Concat', [low, high], { attributes: { axis: 3 } });
  };
  const query = rotate('query', split('query', projections.query, attentionHeads));
  const newKey = rotate('key', split('key', projections.key, keyValueHeads));
  const newValue = split('value', projections.value, keyValueHeads);
  const append = (name: string, past: string, added: string): string =>
    graph.node(at(`${name}_append`), 'Concat', [past, added], { attributes: { axis: 2 } }, `present_${name}.${layer}`);
  const key = append('key', `past_key.${layer}`, newKey);
  const value = append('value', `past_value.${layer}`, newValue);

  // The query heads of one key head lie side by side, so that one matrix product per key head serves them all.
  const grouped = graph.node(at('query_grouped'), 'Reshape', [
    query,
    graph.int64(at('query_grouped_dims'), [1, keyValueHeads, -1, headDim]),
  ]);
  const scale = graph.float32(at('scale'), [], Float32Array.of(1 / Math.sqrt(headDim)));
  const scaled = graph.node(at('query_scaled'), 'Mul', [grouped, scale]);
  const keyColumns = graph.node(at('key_columns'), 'Transpose', [key], { attributes: { perm: [0, 1, 3, 2] } });
  const groupedScores = graph.node(at('scores_grouped'), 'MatMul', [scaled, keyColumns]);
  // 0 in a Reshape keeps the input's own length: S, unknown here.
  const scores = graph.node(at('scores'), 'Reshape', [
    groupedScores,
    graph.int64(at('scores_dims'), [1, attentionHeads, -1, 0]),
  ]);
  const masked = graph.node(at('masked'), 'Add', [scores, shared.mask]);
  const weights = graph.node(at('weights'), 'Softmax', [masked], { attributes: { axis: -1 } });
  const groupedWeights = graph.node(at('weights_grouped'), 'Reshape', [
    weights,
    graph.int64(at('weights_grouped_dims'), [1, keyValueHeads, -1, 0]),
  ]);
  const groupedContext = graph.node(at('context_grouped'), 'MatMul', [groupedWeights, value]);
  const context = graph.node(at('context'), 'Reshape', [
    groupedContext,
    graph.int64(at('context_dims'), [1, attentionHeads, -1, headDim]),
  ]);
  const rows = graph.node(at('context_rows'), 'Transpose', [context], { attributes: { perm: [0, 2, 1, 3] } });
  return graph.node(at('output'), 'Reshape', [rows, graph.int64(at('output_dims'), [1, -1, attentionHeads * headDim])]);
}

/**
 * A stage graph with plain operators for every `GroupQueryAttention`; the bytes as they were where it has none in the form that this
 * project writes (rotary, causal, one sequence).
 * @throws what the decoder throws for bytes that are no ONNX model.
 */
export function decomposeAttention(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  const first = graph?.node.find((node) => layerOf(node) !== undefined);
  const [, , , pastKey] = first?.input ?? [];
  if (graph === undefined || first === undefined || pastKey === undefined) return bytes;
  const shared = new GraphBuilder(graph.name);
  const values = addSharedAttentionValues(shared, pastKey);
  const { nodes, initializers } = shared.parts();
  graph.initializer.push(...initializers);
  graph.node = [...nodes, ...graph.node.flatMap((node) => decomposed(graph, node, values))];
  return toBinary(ModelProtoSchema, model);
}

/** The nodes in the place of one, in an order that computes what each reads before it. */
function decomposed(graph: GraphProto, node: NodeProto, shared: SharedAttentionValues): readonly NodeProto[] {
  const layer = layerOf(node);
  const [output] = node.output;
  const [query, key, value, pastKey] = node.input;
  if (layer === undefined || output === undefined || query === undefined || key === undefined || value === undefined)
    return [node];
  const headDim = graph.input.find(({ name }) => name === pastKey)?.type?.value.value?.shape?.dim[3]?.value.value;
  const attribute = (name: string): number => Number(node.attribute.find((each) => each.name === name)?.i);
  const builder = new GraphBuilder(graph.name);
  const shape = {
    attentionHeads: attribute('num_heads'),
    keyValueHeads: attribute('kv_num_heads'),
    headDim: Number(headDim),
  };
  const result = addDecomposedAttention(builder, layer, shape, shared, { query, key, value });
  const { nodes, initializers } = builder.parts();
  graph.initializer.push(...initializers);
  const last = nodes.at(-1);
  if (last === undefined || last.output[0] !== result) throw new Error('the last node gives the attention');
  last.output[0] = output;
  return nodes;
}

/** Of an attention that `decomposeAttention` knows; read from its output `present_key.{layer}`. */
function layerOf({ opType, domain, input, output }: NodeProto): number | undefined {
  if (opType !== 'GroupQueryAttention' || domain !== 'com.microsoft') return undefined;
  const [, , , pastKey, , , total, cos, sin, ...more] = input;
  const layer = /^present_key\.(\d+)$/.exec(output[1] ?? '')?.[1];
  const known =
    pastKey === `past_key.${layer}` &&
    output[2] === `present_value.${layer}` &&
    total === 'total_sequence_length' &&
    cos === 'cos' &&
    sin === 'sin' &&
    more.length === 0;
  return layer === undefined || !known ? undefined : Number(layer);
}
