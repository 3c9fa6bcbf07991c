/** The graph of one matrix product whose weights are an input: for the reference, which sees every matrix once. */
import { GraphBuilder } from '@/formats/onnx/graph-builder.ts';

export const PRODUCT = { rows: 'rows', weights: 'weights', product: 'product' } as const;

/** product [t, outputs] = rows [t, inputs] · weightsᵀ, weights [outputs, inputs]; f32. */
export function buildProduct(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder('product');
  graph.input(PRODUCT.rows, 'float32', ['t', 'inputs']);
  graph.input(PRODUCT.weights, 'float32', ['outputs', 'inputs']);
  graph.node('gemm', 'Gemm', [PRODUCT.rows, PRODUCT.weights], { attributes: { transB: 1 } }, PRODUCT.product);
  graph.output(PRODUCT.product, 'float32', ['t', 'outputs']);
  return graph.toBytes('');
}
