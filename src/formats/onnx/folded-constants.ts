/**
 * The constants of a stage graph that have to be computed (f16 scales and offsets widened to f32, shifted and transposed), taken out
 * of the graph: their nodes become external f32 tensors of one more data file, whose bytes are computed when they are read.
 *
 * ONNX Runtime would fold them itself, but in its wasm heap, which never shrinks: 375 MB for two layers of an 8-billion-parameter
 * model at 4 bits (onnxruntime-web 1.31, WebGPU), where a tensor of a data file goes from a file to a GPU buffer a piece at a time.
 *
 * Invariants: the values are ONNX Runtime's to the bit, as every step is exact or rounded once to f32; a node that is not
 * understood stays, with all that follows from it.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { freeBuffer } from '@/base/free-buffer.ts';
import { f16ToF32 } from '@/base/half.ts';
import type { ByteSource } from '../byte-source.ts';
import { checkRange } from '../memory-source.ts';
import {
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type TensorProto,
} from './onnx_pb.ts';

const F16_BYTES = 2;
const F32_BYTES = 4;

export interface FoldedStage {
  /** Serialised; the graph as it was where there was nothing to fold. */
  readonly graph: Uint8Array<ArrayBuffer>;
  /** The further data file that the graph refers to, computed as it is read; absent where there was nothing to fold. */
  readonly constants?: { readonly name: string; readonly bytes: ByteSource };
}

/** How values come about. A matrix is [rows, columns], row-major. */
type Expression =
  | { readonly kind: 'widened'; readonly source: ByteSource; readonly offset: number }
  | { readonly kind: 'product'; readonly of: Expression; readonly factor: number }
  | { readonly kind: 'sum'; readonly of: Expression; readonly and: Expression }
  | { readonly kind: 'transposed'; readonly of: Expression; readonly rows: number; readonly columns: number };

interface Constant {
  readonly dims: readonly number[];
  readonly expression: Expression;
}

interface PlacedConstant extends Constant {
  /** Place of the first byte in the file of constants. */
  readonly offset: number;
  readonly length: number;
}

/**
 * @param graph a serialised ONNX model. @param data its data files by the names it refers to.
 * @throws what the decoder throws for bytes that are no ONNX model.
 */
export function foldConstants(
  graph: Uint8Array<ArrayBuffer>,
  data: readonly { readonly name: string; readonly bytes: ByteSource }[],
): FoldedStage {
  const model = fromBinary(ModelProtoSchema, graph);
  if (model.graph === undefined) return { graph };
  const folding = new Folding(model.graph, new Map(data.map(({ name, bytes }) => [name, bytes])));
  const name = 'constants.f32';
  const placed = folding.run(name);
  if (placed.length === 0) return { graph };
  return { graph: toBinary(ModelProtoSchema, model), constants: { name, bytes: constantsSource(name, placed) } };
}

/** Rewrites the graph that it was given. */
class Folding {
  readonly #graph: GraphProto;
  readonly #files: ReadonlyMap<string, ByteSource>;
  readonly #initialisers: ReadonlyMap<string, TensorProto>;
  readonly #constants = new Map<string, Constant>();

  constructor(graph: GraphProto, files: ReadonlyMap<string, ByteSource>) {
    this.#graph = graph;
    this.#files = files;
    this.#initialisers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  }

  /** @param location the file that the folded tensors are said to be in. @returns what lies in it, in order. */
  run(location: string): PlacedConstant[] {
    const kept: NodeProto[] = [];
    for (const node of this.#graph.node) {
      const [output] = node.output;
      const constant = node.output.length === 1 ? this.#evaluate(node) : undefined;
      if (constant === undefined || output === undefined) kept.push(node);
      else this.#constants.set(output, constant);
    }
    const used = new Set([...kept.flatMap(({ input }) => input), ...this.#graph.output.map(({ name }) => name)]);
    const placed: PlacedConstant[] = [];
    let offset = 0;
    const tensors: TensorProto[] = [];
    for (const [name, constant] of this.#constants) {
      if (!used.has(name)) continue;
      const length = F32_BYTES * constant.dims.reduce((product, size) => product * size, 1);
      placed.push({ ...constant, offset, length });
      tensors.push(externalTensor(name, constant.dims, location, offset, length));
      offset += length;
    }
    this.#graph.node = kept;
    this.#graph.initializer = [...this.#graph.initializer.filter(({ name }) => used.has(name)), ...tensors];
    return placed;
  }

  #evaluate({ opType, domain, input, attribute }: NodeProto): Constant | undefined {
    if (domain !== '') return undefined;
    const [first = '', second = ''] = input;
    const attributeNamed = (name: string) => attribute.find((each) => each.name === name);
    switch (opType) {
      case 'Cast':
        return Number(attributeNamed('to')?.i) === DataType.FLOAT ? this.#widened(first) : undefined;
      case 'Mul': {
        const of = this.#constants.get(first);
        const factor = this.#scalar(second);
        if (of === undefined || factor === undefined) return undefined;
        return { dims: of.dims, expression: { kind: 'product', of: of.expression, factor } };
      }
      case 'Add': {
        const of = this.#constants.get(first);
        const and = this.#constants.get(second);
        if (of === undefined || and === undefined || of.dims.join() !== and.dims.join()) return undefined;
        return { dims: of.dims, expression: { kind: 'sum', of: of.expression, and: and.expression } };
      }
      case 'Transpose': {
        const of = this.#constants.get(first);
        const [rows, columns, ...more] = of?.dims ?? [];
        const order = attributeNamed('perm')?.ints.map(Number).join();
        if (of === undefined || rows === undefined || columns === undefined || more.length > 0 || order !== '1,0')
          return undefined;
        return { dims: [columns, rows], expression: { kind: 'transposed', of: of.expression, rows, columns } };
      }
      default:
        return undefined;
    }
  }

  #widened(name: string): Constant | undefined {
    const tensor = this.#initialisers.get(name);
    if (tensor?.dataType !== DataType.FLOAT16 || tensor.dataLocation !== DataLocation.EXTERNAL) return undefined;
    const entry = (key: string): string | undefined => tensor.externalData.find((pair) => pair.key === key)?.value;
    const source = this.#files.get(entry('location') ?? '');
    if (source === undefined) return undefined;
    return {
      dims: tensor.dims.map(Number),
      expression: { kind: 'widened', source, offset: Number(entry('offset') ?? 0) },
    };
  }

  /** A scalar that lies in the graph. */
  #scalar(name: string): number | undefined {
    const tensor = this.#initialisers.get(name);
    if (tensor?.dataType !== DataType.FLOAT || tensor.dims.length > 0 || tensor.rawData.length !== F32_BYTES)
      return undefined;
    const { buffer, byteOffset } = tensor.rawData;
    return new DataView(buffer, byteOffset).getFloat32(0, true);
  }
}

function externalTensor(
  name: string,
  dims: readonly number[],
  location: string,
  offset: number,
  length: number,
): TensorProto {
  const entries = { location, offset: String(offset), length: String(length) };
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: DataType.FLOAT,
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
}

/** The constants one after the other. A reader goes through each in pieces, so the matrix that was transposed last is kept. */
function constantsSource(name: string, placed: readonly PlacedConstant[]): ByteSource {
  const last = placed.at(-1);
  const size = last === undefined ? 0 : last.offset + last.length;
  let kept: { readonly constant: PlacedConstant; readonly values: Float32Array<ArrayBuffer> } | undefined;

  const wholeOf = async (constant: PlacedConstant, signal?: AbortSignal) => {
    if (kept?.constant !== constant) {
      if (kept !== undefined) freeBuffer(kept.values.buffer);
      kept = undefined;
      kept = { constant, values: await evaluate(constant.expression, 0, constant.length / F32_BYTES, signal) };
    }
    return kept.values;
  };

  return {
    name,
    size,
    async read(offset, length, signal) {
      checkRange(name, size, offset, length);
      const bytes = new Uint8Array(length);
      const end = offset + length;
      for (const constant of placed) {
        const from = Math.max(offset, constant.offset);
        const to = Math.min(end, constant.offset + constant.length);
        if (from >= to) continue;
        const first = Math.floor((from - constant.offset) / F32_BYTES);
        const after = Math.ceil((to - constant.offset) / F32_BYTES);
        const whole = constant.expression.kind === 'transposed';
        const values = whole
          ? await wholeOf(constant, signal)
          : await evaluate(constant.expression, first, after - first, signal);
        const start = from - constant.offset - (whole ? 0 : first * F32_BYTES);
        bytes.set(new Uint8Array(values.buffer, start, to - from), from - offset);
        if (!whole) freeBuffer(values.buffer);
      }
      return bytes;
    },
  };
}

/** f32 values `[first, first + count)` in row-major order, in a buffer of their own. */
async function evaluate(
  expression: Expression,
  first: number,
  count: number,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  switch (expression.kind) {
    case 'widened': {
      const bytes = await expression.source.read(expression.offset + F16_BYTES * first, F16_BYTES * count, signal);
      const { buffer, byteOffset } = bytes.byteOffset % F16_BYTES === 0 ? bytes : bytes.slice();
      const values = new Float32Array(count);
      f16ToF32(new Uint16Array(buffer, byteOffset, count), values);
      return values;
    }
    case 'product': {
      const values = await evaluate(expression.of, first, count, signal);
      for (let i = 0; i < count; i++) values[i] = values[i]! * expression.factor;
      return values;
    }
    case 'sum': {
      const values = await evaluate(expression.of, first, count, signal);
      const others = await evaluate(expression.and, first, count, signal);
      // The sum of two f32 in f64, rounded once by being stored, is the f32 sum.
      for (let i = 0; i < count; i++) values[i] = values[i]! + others[i]!;
      freeBuffer(others.buffer);
      return values;
    }
    default: {
      const { of, rows, columns } = expression;
      const values = await evaluate(of, 0, rows * columns, signal);
      const turned = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const at = first + i;
        turned[i] = values[(at % rows) * columns + Math.floor(at / rows)]!;
      }
      freeBuffer(values.buffer);
      return turned;
    }
  }
}
