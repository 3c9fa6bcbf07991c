/** The initialisers of a stage graph as it was written: where each one's bytes are. */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '@/formats/onnx/onnx_pb.ts';

/** Bytes inside the graph, or their place in its data file. */
export type InitialiserBytes =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'external'; readonly offset: number; readonly length: number };

/** By name. `graph` is a serialised ONNX model of ours; anything else throws what the decoder throws. */
export function readInitialisers(graph: Uint8Array): ReadonlyMap<string, InitialiserBytes> {
  const model = fromBinary(ModelProtoSchema, graph);
  return new Map(
    (model.graph?.initializer ?? []).map(({ name, rawData, externalData }): [string, InitialiserBytes] => {
      const entry = (key: string): number => Number(externalData.find((pair) => pair.key === key)?.value ?? Number.NaN);
      return externalData.length === 0
        ? [name, { kind: 'inline', bytes: rawData.slice() }]
        : [name, { kind: 'external', offset: entry('offset'), length: entry('length') }];
    }),
  );
}
