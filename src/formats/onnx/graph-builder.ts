/**
 * A thin writer of ONNX graphs: names values, keeps initialisers (inside the graph or in external data), serialises.
 * Knows nothing about models. Field meanings: the ONNX specification (`src/formats/onnx/onnx.proto`).
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  type AttributeProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type TensorProto,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type ValueInfoProto,
} from './onnx_pb.ts';

/** Element types the converter writes. */
export type ElementType = 'float32' | 'float16' | 'uint8' | 'int32' | 'int64' | 'bool';

const dataTypes: Record<ElementType, DataType> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  uint8: DataType.UINT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

/** Bytes of an initialiser inside a data file beside the graph. */
export interface ExternalTensor {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A node's attribute: an integer, a float (`{ float }`) or a list of integers. */
export type Attribute = number | { readonly float: number } | readonly number[];

export interface NodeOptions {
  readonly domain?: 'com.microsoft';
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** Opset of the main domain (README "The stage graph"). */
const OPSET = 21;
/** IR version 10 is the one that opset 21 came with. */
const IR_VERSION = 10;

export class GraphBuilder {
  private readonly name: string;
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];
  private readonly names = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Declares a graph input. A dimension is a length or a symbol. Returns its name. */
  input(name: string, type: ElementType, dims: readonly (number | string)[]): string {
    this.claim(name);
    this.inputs.push(valueInfo(name, type, dims));
    return name;
  }

  /** Declares a value that some node writes as a graph output. */
  output(name: string, type: ElementType, dims: readonly (number | string)[]): void {
    this.outputs.push(valueInfo(name, type, dims));
  }

  /** Adds a node with one output, called `name` unless `outputName` says otherwise; returns the output's name. */
  node(
    name: string,
    operator: string,
    inputs: readonly string[],
    options: NodeOptions = {},
    outputName = name,
  ): string {
    this.nodeWithOutputs(name, operator, inputs, [outputName], options);
    return outputName;
  }

  /** Adds a node with several outputs; an empty name leaves an optional output out. */
  nodeWithOutputs(
    name: string,
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    options: NodeOptions = {},
  ): void {
    for (const output of outputs) if (output !== '') this.claim(output);
    this.nodes.push(
      create(NodeProtoSchema, {
        name,
        opType: operator,
        input: [...inputs],
        output: [...outputs],
        ...(options.domain === undefined ? {} : { domain: options.domain }),
        attribute: Object.entries(options.attributes ?? {}).map(([key, value]) => attribute(key, value)),
      }),
    );
  }

  /** A small float32 tensor inside the graph. */
  float32(name: string, dims: readonly number[], values: Float32Array): string {
    return this.inline(name, 'float32', dims, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  /** A small int64 tensor inside the graph; one dimension unless `dims` is given (`[]` makes a scalar). */
  int64(name: string, values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.inline(name, 'int64', dims, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  /** A tensor whose bytes are in a data file. */
  external(name: string, tensor: ExternalTensor): string {
    this.claim(name);
    const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: tensor.dims.map(BigInt),
        dataType: dataTypes[tensor.type],
        dataLocation: DataLocation.EXTERNAL,
        externalData: [
          entry('location', tensor.location),
          entry('offset', String(tensor.offset)),
          entry('length', String(tensor.length)),
        ],
      }),
    );
    return name;
  }

  /** What has been added so far, to be set into a graph that something else wrote. */
  parts(): { readonly nodes: readonly NodeProto[]; readonly initializers: readonly TensorProto[] } {
    return { nodes: this.nodes, initializers: this.initializers };
  }

  /** Serialises the model. */
  toBytes(producerVersion: string): Uint8Array<ArrayBuffer> {
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(IR_VERSION),
      producerName: 'armoscope',
      producerVersion,
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) }),
        create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
      ],
      graph: create(GraphProtoSchema, {
        name: this.name,
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
      }),
    });
    return toBinary(ModelProtoSchema, model);
  }

  private inline(name: string, type: ElementType, dims: readonly number[], rawData: Uint8Array): string {
    this.claim(name);
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: dims.map(BigInt),
        dataType: dataTypes[type],
        // A copy: the caller may reuse its buffer before the graph is serialised.
        rawData: rawData.slice(),
      }),
    );
    return name;
  }

  private claim(name: string): void {
    if (this.names.has(name)) throw new Error(`graph ${this.name}: the name ${name} is taken`);
    this.names.add(name);
  }
}

function valueInfo(name: string, type: ElementType, dims: readonly (number | string)[]): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: dataTypes[type],
          shape: create(TensorShapeProtoSchema, {
            dim: dims.map((dim) =>
              create(TensorShapeProto_DimensionSchema, {
                value:
                  typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
              }),
            ),
          }),
        }),
      },
    }),
  });
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
