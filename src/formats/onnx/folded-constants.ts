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
import { Rooms } from '@/base/room.ts';
import type { ByteSource, OpenBytes } from '../byte-source.ts';
import { checkRange } from '../memory-source.ts';
import { evaluate, rangesOf, type Expression, type FileRange } from './constant-expressions.ts';
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

const F32_BYTES = 4;

/** A tensor of the file of constants. */
export interface FoldedConstant {
  /** Place of its first byte in that file, and how many there are. */
  readonly offset: number;
  readonly length: number;
  /** What it is computed from. */
  readonly ranges: readonly FileRange[];
  /** @param read the bytes of `ranges`, in order. @param target `length` bytes, at a multiple of four in their buffer. */
  compute(read: readonly Uint8Array<ArrayBuffer>[], target: Uint8Array<ArrayBuffer>): void;
}

export interface FoldedStage {
  /** Serialised; the graph as it was where there was nothing to fold. */
  readonly graph: Uint8Array<ArrayBuffer>;
  /**
   * The further data file that the graph refers to, as bytes that are computed when they are read and as its tensors; absent where there was
   * nothing to fold.
   */
  readonly constants?: {
    readonly name: string;
    readonly bytes: ByteSource;
    readonly tensors: readonly FoldedConstant[];
  };
}

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
 * @param graph a serialised ONNX model. @param data its data files by the names it refers to. @param rooms for what is read of them.
 * @throws what the decoder throws for bytes that are no ONNX model.
 */
export function foldConstants(
  graph: Uint8Array<ArrayBuffer>,
  data: readonly { readonly name: string; readonly bytes: ByteSource }[],
  rooms: Rooms = new Rooms(),
): FoldedStage {
  const model = fromBinary(ModelProtoSchema, graph);
  if (model.graph === undefined) return { graph };
  const folding = new Folding(model.graph, new Map(data.map(({ name, bytes }) => [name, bytes])));
  const name = 'constants.f32';
  const placed = folding.run(name);
  if (placed.length === 0) return { graph };
  return {
    graph: toBinary(ModelProtoSchema, model),
    constants: { name, bytes: constantsSource(name, placed, rooms), tensors: placed.map(foldedConstant) },
  };
}

function foldedConstant({ expression, offset, length }: PlacedConstant): FoldedConstant {
  const count = length / F32_BYTES;
  return {
    offset,
    length,
    ranges: rangesOf(expression, 0, count),
    compute(read, target) {
      evaluate(expression, 0, read.values(), new Float32Array(target.buffer, target.byteOffset, count));
    },
  };
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

/** The constants one after the other; read at once where their files can be. */
function constantsSource(name: string, placed: readonly PlacedConstant[], rooms: Rooms): ByteSource {
  const last = placed.at(-1);
  const size = last === undefined ? 0 : last.offset + last.length;

  /** The values that bytes `[offset, offset + length)` touch. */
  const touched = (offset: number, length: number) => {
    checkRange(name, size, offset, length);
    return placed.flatMap(({ expression, offset: start, length: all }) => {
      const from = Math.max(offset, start) - start;
      const to = Math.min(offset + length, start + all) - start;
      if (from >= to) return [];
      const first = Math.floor(from / F32_BYTES);
      const count = Math.ceil(to / F32_BYTES) - first;
      return [
        { expression, first, count, skipped: from - first * F32_BYTES, length: to - from, at: start + from - offset },
      ];
    });
  };
  type Touched = ReturnType<typeof touched>;
  const rangesOfAll = (parts: Touched) =>
    parts.flatMap(({ expression, first, count }) => rangesOf(expression, first, count));
  const compute = (
    parts: Touched,
    read: readonly Uint8Array<ArrayBuffer>[],
    bytes: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> => {
    const files = read.values();
    for (const { expression, first, count, skipped, length, at } of parts) {
      // A whole tensor, as ONNX Runtime asks for them, needs no copy.
      const inPlace = length === count * F32_BYTES && (bytes.byteOffset + at) % F32_BYTES === 0;
      const values = inPlace ? new Float32Array(bytes.buffer, bytes.byteOffset + at, count) : new Float32Array(count);
      evaluate(expression, first, files, values);
      if (!inPlace) bytes.set(new Uint8Array(values.buffer, skipped, length), at);
    }
    return bytes;
  };

  const sources = [
    ...new Set(placed.flatMap(({ expression }) => rangesOf(expression, 0, 0)).map(({ source }) => source)),
  ];
  const openSync: ByteSource['openSync'] = async () => {
    const open = new Map<ByteSource, OpenBytes>();
    const close = (): void => {
      for (const file of open.values()) file.close();
    };
    try {
      for (const source of sources) open.set(source, await source.openSync!());
    } catch (error) {
      close();
      throw error;
    }
    return {
      read(offset, length, room) {
        const parts = touched(offset, length);
        const read = rangesOfAll(parts).map((range, place) =>
          open.get(range.source)!.read(range.offset, range.length, rooms.of(`range ${place}`)),
        );
        return compute(parts, read, room.take(length));
      },
      close,
    };
  };
  return {
    name,
    size,
    async read(offset, length, signal) {
      const parts = touched(offset, length);
      const reading = rangesOfAll(parts).map((range) => range.source.read(range.offset, range.length, signal));
      return compute(parts, await Promise.all(reading), new Uint8Array(length));
    },
    ...(sources.every((source) => source.openSync !== undefined) ? { openSync } : {}),
  };
}
