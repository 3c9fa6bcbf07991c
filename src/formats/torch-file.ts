/**
 * PyTorch `.pt` files as named tensors: the zip archive that torch.save has written since 1.6, read without executing anything
 * (pickle.ts). Only what a state dict needs is understood; everything else is refused in words.
 */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isDict, isTensor, readPickle, type PickleValue, type TorchTensor } from './pickle.ts';
import { decodeFloat32, tensorWhere, type SafetensorsDtype } from './safetensors.ts';
import { readZipEntries, type ZipEntry } from './zip-entries.ts';

export interface TorchFileTensor {
  readonly shape: readonly number[];
  /** Row-major, whatever the strides in the file. @throws FormatError for a dtype that is no float, or data that is missing. */
  readonly readAsFloat32: (signal?: AbortSignal) => Promise<Float32Array>;
}

const largestPickle = 16 * 1024 * 1024;

/** Storages whose numbers are floats. */
const floatStorages: Readonly<Record<string, { readonly dtype: SafetensorsDtype; readonly bytes: number }>> = {
  FloatStorage: { dtype: 'F32', bytes: 4 },
  DoubleStorage: { dtype: 'F64', bytes: 8 },
  HalfStorage: { dtype: 'F16', bytes: 2 },
  BFloat16Storage: { dtype: 'BF16', bytes: 2 },
};

/** What torch.save wrote before 1.6: the pickled number 0x1950a86a20f9469cfc6c. */
const oldMagic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

type Kind = 'zip' | 'old' | 'tar' | 'pickle' | 'other';

/** True for anything that looks as if Python had written it; `openTorchFile` then reads it or says why not. */
export async function isTorchFile(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  return (await kindOf(source, signal)) !== 'other';
}

async function kindOf(source: ByteSource, signal?: AbortSignal): Promise<Kind> {
  const bytes = await source.read(0, Math.min(source.size, 512), signal);
  const starts = (pattern: readonly number[], at = 0) => pattern.every((byte, i) => bytes[at + i] === byte);
  // A safetensors header's length can look like anything, but a brace follows it.
  if (starts([0, 0, 0], 5) && bytes[8] === 0x7b) return 'other';
  if (starts([0x50, 0x4b, 0x03, 0x04])) return 'zip';
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) <= 5) return starts(oldMagic, 2) ? 'old' : 'pickle';
  return starts([0x75, 0x73, 0x74, 0x61, 0x72], 257) ? 'tar' : 'other';
}

/** Tensors by name; those of a dict inside the dict have both names, joined by a dot. @throws FormatError */
export async function openTorchFile(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, TorchFileTensor>> {
  const kind = await kindOf(source, signal);
  const remedy = 'Load it in PyTorch and save it again with torch.save(…), or as safetensors.';
  if (kind === 'old')
    throw new FormatError(
      'unsupported',
      source.name,
      'is in the format that PyTorch wrote before version 1.6.',
      remedy,
    );
  if (kind === 'tar')
    throw new FormatError('unsupported', source.name, 'is in the tar format of very old PyTorch versions.', remedy);
  if (kind === 'pickle')
    throw new FormatError('unsupported', source.name, 'is a bare Python pickle, not a file of torch.save.', remedy);
  if (kind === 'other')
    throw new FormatError('malformed', source.name, 'is not a PyTorch file: it does not begin as a zip archive does.');
  const entries = await readZipEntries(source, signal);
  const pickleEntry = [...entries.values()].find(({ name }) => /(^|\/)data\.pkl$/.test(name));
  if (pickleEntry === undefined) {
    const script = [...entries.keys()].some((name) => /(^|\/)(constants\.pkl|code\/)/.test(name));
    throw new FormatError(
      'unsupported',
      source.name,
      script
        ? 'is a TorchScript program, not saved tensors.'
        : 'is a zip archive, but not of torch.save: it has no data.pkl.',
    );
  }
  if (pickleEntry.size > largestPickle)
    throw new FormatError('unsupported', `${source.name}: ${pickleEntry.name}`, `is ${pickleEntry.size} bytes long.`);
  const prefix = pickleEntry.name.slice(0, -'data.pkl'.length);
  if (entries.has(`${prefix}constants.pkl`))
    throw new FormatError('unsupported', source.name, 'is a TorchScript program, not saved tensors.');
  const order = entries.get(`${prefix}byteorder`);
  if (
    order !== undefined &&
    new TextDecoder().decode(await order.read(0, Math.min(order.size, 16), signal)) !== 'little'
  )
    throw new FormatError('unsupported', source.name, 'was written on a big-endian machine.', remedy);
  const pickle = await pickleEntry.read(0, pickleEntry.size, signal);
  // The first instruction of protocol 2 and later.
  if (pickle.length > 0 && pickle[0] !== 0x80)
    throw new FormatError(
      'unsupported',
      `${source.name}: ${pickleEntry.name}`,
      'is a pickle of protocol 0 or 1; torch.save writes protocol 2 unless it is told otherwise.',
      'Load it in PyTorch and save it again without pickle_protocol.',
    );
  const root = readPickle(`${source.name}: ${pickleEntry.name}`, pickle);
  const found = new Map<string, TorchFileTensor>();
  collect(root, '', (name, tensor) => {
    const where = tensorWhere(source.name, name);
    const entry = entries.get(`${prefix}data/${tensor.storage.key}`);
    found.set(name, { shape: tensor.shape, readAsFloat32: (abort) => readTensor(where, tensor, entry, abort) });
  });
  if (found.size === 0) throw new FormatError('mismatch', source.name, 'holds no tensor.');
  return found;
}

/** Wrappers that people put around a state dict, whose own name says nothing. */
const wrappers = new Set(['state_dict', 'model_state_dict', 'model']);
const deepest = 8;

function collect(
  value: PickleValue,
  name: string,
  visit: (name: string, tensor: TorchTensor) => void,
  depth = 0,
): void {
  if (isTensor(value)) visit(name === '' ? 'weight' : name, value);
  else if (isDict(value) && depth < deepest)
    for (const [key, entry] of value.entries) {
      if (typeof key !== 'string' && typeof key !== 'number') continue;
      const plain = depth === 0 && typeof key === 'string' && wrappers.has(key) && isDict(entry);
      const inner = plain ? '' : `${name === '' ? '' : `${name}.`}${key}`;
      collect(entry, inner, visit, depth + 1);
    }
}

async function readTensor(
  where: string,
  tensor: TorchTensor,
  entry: ZipEntry | undefined,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { storage, offset, shape, strides } = tensor;
  const format = floatStorages[storage.type];
  if (format === undefined)
    throw new FormatError(
      'unsupported',
      where,
      `holds ${storage.type.replace('Storage', '')}, not floating point numbers.`,
    );
  if (entry === undefined)
    throw new FormatError('truncated', where, `its data ("data/${storage.key}") is not in the archive.`);
  if (entry.size < storage.elements * format.bytes)
    throw new FormatError('truncated', where, `its data has ${entry.size} bytes for ${storage.elements} numbers.`);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count === 0) return new Float32Array(0);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset);
  // A stride of 0 repeats numbers, so the count is bounded too, not only the last place.
  if (!(last < storage.elements) || !(count <= Math.max(storage.elements, 1)))
    throw new FormatError(
      'malformed',
      where,
      `shape [${shape.join(', ')}] goes beyond its ${storage.elements} numbers.`,
    );
  const bytes = await entry.read(offset * format.bytes, (last - offset + 1) * format.bytes, signal);
  const values = decodeFloat32(bytes, format.dtype, where);
  return isContiguous(shape, strides) ? values : gatherStrided(values, shape, strides, count);
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

function gatherStrided(
  values: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
  count: number,
): Float32Array {
  const result = new Float32Array(count);
  const index = shape.map(() => 0);
  let place = 0;
  for (let i = 0; i < count; i++) {
    result[i] = values[place]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      place += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      place -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
