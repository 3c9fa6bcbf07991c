/**
 * Puts the matrix of a linear layer into a data file in the package's form, and says what that cost.
 */
import { f16ToF32, f32ToF16 } from '@/base/half.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { fitsHalfPrecision, type RoundingError } from './block-quantisation.ts';
import type { ExternalTensor, ElementType } from '@/formats/onnx/graph-builder.ts';
import type { StoredLinear } from './graph/decoder-stage.ts';
import type { CarriedBlocks } from './carried-blocks.ts';
import type { PackageFile } from './package-sink.ts';
import { roundHere, roundSlabs, type SlabRounder } from './slab-rounder.ts';

export type Dtype = Manifest['dtype'];

/** Values along the inputs that share parameters. The source of the embedded model has blocks of 32 too. */
export const BLOCK_SIZE = 32;
/** For widths that 32 does not divide; the smallest that `MatMulNBits` takes. */
const SMALL_BLOCK_SIZE = 16;
/** WebGPU copies buffers in multiples of 4 bytes; 64 keeps every element type aligned. */
const ALIGNMENT_BYTES = 64;
/** Values handled at a time, so that helpers' copies stay small beside the matrix. */
const SLAB_VALUES = 4 * 1024 * 1024;

/** Rows of one matrix W [outputs, inputs], f32, row-major. */
export interface Matrix {
  readonly values: Float32Array<ArrayBuffer>;
  readonly outputs: number;
  readonly inputs: number;
  /** max |value|, where whoever read them knows it already: finding it costs a pass over all of them. */
  readonly largest?: number;
  /** The blocks that `values` stand in at the source; 4- and 8-bit packages take them as they are. */
  readonly carried?: { readonly name: string; readonly blocks: CarriedBlocks };
}

export interface EncodedLinear {
  readonly stored: StoredLinear;
  readonly error: RoundingError;
  /** What the source calls blocks that were taken as they are. */
  readonly carried?: string;
  /** Why the tensor is not in the form that was asked for. */
  readonly fallback?: string;
}

/** Appends aligned tensors to one data file. */
export class DataFile {
  private readonly file: PackageFile;
  private readonly location: string;
  private position = 0;
  constructor(file: PackageFile, location: string) {
    this.file = file;
    this.location = location;
  }

  /** Writes a tensor from its pieces, in order. */
  async add(
    type: ElementType,
    dims: readonly number[],
    pieces: Iterable<ArrayBufferView<ArrayBuffer>>,
  ): Promise<ExternalTensor> {
    const padding = -this.position & (ALIGNMENT_BYTES - 1);
    if (padding > 0) await this.append(new Uint8Array(padding));
    const offset = this.position;
    for (const piece of pieces) await this.append(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    return { type, dims, location: this.location, offset, length: this.position - offset };
  }

  private async append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.position += bytes.length;
    await this.file.append(bytes);
  }
}

/**
 * Writes `matrix` in the form that `dtype` names, or in f32 where its numbers or its shape do not allow that.
 * @param rounder where integers are rounded to; default: this thread.
 */
export async function encodeLinear(
  matrix: Matrix,
  dtype: Dtype,
  data: DataFile,
  rounder: SlabRounder = roundHere,
): Promise<EncodedLinear> {
  if (dtype === 'f32') return encodeDense(matrix, 'float32', data);
  if (!fitsHalfPrecision(matrix.values, matrix.largest))
    return {
      ...(await encodeDense(matrix, 'float32', data)),
      fallback: 'f32: it holds values beyond the range of f16',
    };
  if (dtype === 'f16') return encodeDense(matrix, 'float16', data);
  if (matrix.carried !== undefined) return encodeCarried(matrix, matrix.carried, data);
  const blockSize = [BLOCK_SIZE, SMALL_BLOCK_SIZE].find((size) => matrix.inputs % size === 0);
  if (blockSize === undefined)
    return {
      ...(await encodeDense(matrix, 'float32', data)),
      fallback: `f32: its ${matrix.inputs} inputs do not fill blocks of ${SMALL_BLOCK_SIZE}`,
    };
  return dtype === 'q4'
    ? encodeAffine4(matrix, blockSize, data, rounder)
    : encodeSymmetric8(matrix, blockSize, data, rounder);
}

async function encodeDense(
  matrix: Matrix,
  type: 'float32' | 'float16',
  data: DataFile,
): Promise<{ stored: StoredLinear; error: RoundingError }> {
  const { outputs, inputs } = matrix;
  const error = new ErrorTotal();
  const slabs = function* (): Generator<ArrayBufferView<ArrayBuffer>> {
    for (const slab of transposedSlabs(matrix)) {
      if (type === 'float32') {
        error.addExact(slab);
        yield slab;
        continue;
      }
      const halves = new Uint16Array(slab.length);
      f32ToF16(slab, halves);
      error.addDifference(slab, f16ToF32(halves));
      yield halves;
    }
  };
  const weight = await data.add(type, [inputs, outputs], slabs());
  return { stored: { form: 'dense', inputs, outputs, weight }, error };
}

/** Rows of Wᵀ [inputs, outputs], a slab at a time. */
function* transposedSlabs({ values, outputs, inputs }: Matrix): Generator<Float32Array<ArrayBuffer>> {
  const columnsAtOnce = Math.max(1, Math.floor(SLAB_VALUES / outputs));
  for (let first = 0; first < inputs; first += columnsAtOnce) {
    const columns = Math.min(columnsAtOnce, inputs - first);
    const slab = new Float32Array(columns * outputs);
    for (let output = 0; output < outputs; output++)
      for (let column = 0; column < columns; column++)
        slab[column * outputs + output] = values[output * inputs + first + column]!;
    yield slab;
  }
}

async function encodeAffine4(
  { values, outputs, inputs }: Matrix,
  blockSize: number,
  data: DataFile,
  rounder: SlabRounder,
): Promise<EncodedLinear> {
  const error = new ErrorTotal();
  const slabs = await roundSlabs(rounder, 'affine4', rowSlabs(values, inputs), blockSize);
  for (const slab of slabs) error.add(slab);
  const blocksPerRow = inputs / blockSize;
  return {
    stored: {
      form: 'blocks',
      inputs,
      outputs,
      bits: 4,
      blockSize,
      quants: await data.add(
        'uint8',
        [outputs, blocksPerRow, blockSize / 2],
        slabs.map(({ quants }) => quants),
      ),
      scales: await data.add(
        'float16',
        [outputs, blocksPerRow],
        slabs.map(({ scales }) => scales),
      ),
      minima: await data.add(
        'float16',
        [outputs, blocksPerRow],
        slabs.map(({ minima }) => minima),
      ),
    },
    error,
  };
}

async function encodeSymmetric8(
  { values, outputs, inputs }: Matrix,
  blockSize: number,
  data: DataFile,
  rounder: SlabRounder,
): Promise<EncodedLinear> {
  const error = new ErrorTotal();
  const slabs = await roundSlabs(rounder, 'symmetric8', rowSlabs(values, inputs), blockSize);
  for (const slab of slabs) error.add(slab);
  // MatMulNBits reads unsigned bytes around 128.
  const unsigned = slabs.map(({ quants }) => Uint8Array.from(quants, (q) => q + 128));
  const blocksPerRow = inputs / blockSize;
  return {
    stored: {
      form: 'blocks',
      inputs,
      outputs,
      bits: 8,
      blockSize,
      quants: await data.add('uint8', [outputs, blocksPerRow, blockSize], unsigned),
      scales: await data.add(
        'float16',
        [outputs, blocksPerRow],
        slabs.map(({ scales }) => scales),
      ),
    },
    error,
  };
}

/** Whether packages of this dtype take blocks of the source as they are. */
export function carriesBlocks(dtype: Dtype): boolean {
  return dtype === 'q4' || dtype === 'q8';
}

async function encodeCarried(
  { values, outputs, inputs }: Matrix,
  { name, blocks }: NonNullable<Matrix['carried']>,
  data: DataFile,
): Promise<EncodedLinear> {
  const { bits, blockSize, quants, scales, minima } = blocks;
  // `MatMulNBits` reads unsigned integers around 2^(bits−1).
  const zero = minima === undefined ? 2 ** (bits - 1) : 0;
  const packed = new Uint8Array((quants.length * bits) / 8);
  if (bits === 8) for (let i = 0; i < packed.length; i++) packed[i] = quants[i]! + zero;
  else for (let i = 0; i < packed.length; i++) packed[i] = (quants[2 * i]! + zero) | ((quants[2 * i + 1]! + zero) << 4);
  const error = new ErrorTotal();
  error.addExact(values);
  const dims = [outputs, inputs / blockSize];
  return {
    stored: {
      form: 'blocks',
      inputs,
      outputs,
      bits,
      blockSize,
      quants: await data.add('uint8', [...dims, (blockSize * bits) / 8], [packed]),
      scales: await data.add('float16', dims, [scales]),
      ...(minima === undefined ? {} : { minima: await data.add('float16', dims, [minima]) }),
    },
    error,
    carried: name,
  };
}

function* rowSlabs(values: Float32Array<ArrayBuffer>, inputs: number): Generator<Float32Array<ArrayBuffer>> {
  const step = Math.max(1, Math.floor(SLAB_VALUES / inputs)) * inputs;
  for (let at = 0; at < values.length; at += step) yield values.subarray(at, Math.min(at + step, values.length));
}

/** Sums what slabs report. */
export class ErrorTotal implements RoundingError {
  squaredError = 0;
  squaredNorm = 0;
  largestError = 0;
  add(part: RoundingError): void {
    this.squaredError += part.squaredError;
    this.squaredNorm += part.squaredNorm;
    this.largestError = Math.max(this.largestError, part.largestError);
  }
  addExact(values: Float32Array): void {
    for (const value of values) this.squaredNorm += value * value;
  }
  addDifference(values: Float32Array, rounded: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      const difference = Math.abs(values[i]! - rounded[i]!);
      this.squaredError += difference * difference;
      this.squaredNorm += values[i]! * values[i]!;
      if (difference > this.largestError) this.largestError = difference;
    }
  }
}

/** ‖w − w'‖ / ‖w‖; 0 for a tensor of zeros that stayed zeros. */
export function relativeError({ squaredError, squaredNorm }: RoundingError): number {
  return squaredError === 0 ? 0 : Math.sqrt(squaredError / squaredNorm);
}
