/**
 * The weights of a stage on their way to the device. ONNX Runtime is given files without bytes: it makes the buffers and says which bytes it
 * wants in which. They are brought there afterwards, in the order of the files and no faster than the device takes them.
 *
 * Bytes given while a session is made are wanted in an order that nobody knows (that of a hash table), so a file is read in slices; the
 * asyncify build cannot wait there, for a file or for the device, so weights pile up in memory that the page shares with the browser's
 * graphics process. An 8-billion-parameter model at 4 bits (4.4 GB, Chromium 156, two cores) took 17 s from a chosen folder that way.
 *
 * What of ONNX Runtime Web 1.31 this rests on: for every tensor it calls `subarray`, and then makes a command encoder that copies to the
 * tensor's buffer. Where that is not what happens, `wanted` says so, and the session has to be made from the bytes themselves.
 */
import type { ByteSource } from '@/formats/byte-source.ts';
import { openForward, type ForwardBytes } from '@/formats/forward-bytes.ts';
import type { FileRange } from '@/formats/onnx/constant-expressions.ts';
import type { FoldedConstant } from '@/formats/onnx/folded-constants.ts';
import { StagingRing, type UntilLost } from './staging-ring.ts';
import { BytesOnDemand, type ExternalFile } from './external-data.ts';

/** Bytes of a data file that belong into a buffer. */
export interface WantedWeights {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  readonly buffer: GPUBuffer;
}

type Ask = (offset: number, length: number) => void;

class NoBytes extends BytesOnDemand {
  readonly #ask: Ask;

  constructor(size: number, ask: Ask) {
    super(size);
    this.#ask = ask;
  }

  protected override give(offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.#ask(offset, length);
    return new Uint8Array();
  }
}

/** Listens to ONNX Runtime while it makes one session on `device`. */
export class WantedList {
  readonly #device: GPUDevice;
  readonly #found: WantedWeights[] = [];
  /** Asked for; the buffer is not known yet. */
  #asked: Omit<WantedWeights, 'buffer'> | undefined;
  #lost = false;

  /** From now until `stop`, nobody else makes command encoders on the device. */
  constructor(device: GPUDevice) {
    this.#device = device;
    const create = device.createCommandEncoder.bind(device);
    const createCommandEncoder: GPUDevice['createCommandEncoder'] = (descriptor) => {
      const encoder = create(descriptor);
      const asked = this.#asked;
      this.#asked = undefined;
      if (asked !== undefined) this.#listen(encoder, asked);
      return encoder;
    };
    Object.defineProperty(device, 'createCommandEncoder', { value: createCommandEncoder, configurable: true });
  }

  /** A data file for ONNX Runtime. */
  file(path: string, size: number): ExternalFile {
    const data = new NoBytes(size, (offset, length) => {
      // The one before went elsewhere than to the device.
      this.#lost ||= this.#asked !== undefined;
      this.#asked = { path, offset, length };
    });
    return { path, data };
  }

  stop(): void {
    // The prototype's is there again.
    Reflect.deleteProperty(this.#device, 'createCommandEncoder');
  }

  /** `undefined` where ONNX Runtime did something else with a tensor than to copy it to a buffer. */
  get wanted(): readonly WantedWeights[] | undefined {
    return this.#lost || this.#asked !== undefined ? undefined : this.#found;
  }

  #listen(encoder: GPUCommandEncoder, asked: Omit<WantedWeights, 'buffer'>): void {
    let copied = false;
    // What it would copy is empty.
    const copyBufferToBuffer = (...call: readonly unknown[]): void => {
      const buffer = call.find((each, i) => i > 0 && each instanceof GPUBuffer);
      if (copied || !(buffer instanceof GPUBuffer)) this.#lost = true;
      else this.#found.push({ ...asked, buffer });
      copied = true;
    };
    const end = encoder.finish.bind(encoder);
    const finish: GPUCommandEncoder['finish'] = (descriptor) => {
      this.#lost ||= !copied;
      return end(descriptor);
    };
    Object.defineProperties(encoder, { copyBufferToBuffer: { value: copyBufferToBuffer }, finish: { value: finish } });
  }
}

/**
 * While one slot is filled, others are taken in; the largest tensors go in parts. Slots of 32 MB were no faster, and took 72 MB more of the page
 * and of the graphics process.
 */
const mostSlotBytes = 8 * 1024 * 1024;

/** Memory for bytes that constants are computed from, used again for those of the next. */
class SpareMemory {
  readonly #spare = new Map<number, Uint8Array<ArrayBuffer>[]>();

  take(length: number): Uint8Array<ArrayBuffer> {
    return this.#spare.get(length)?.pop() ?? new Uint8Array(length);
  }

  giveBack(bytes: Uint8Array<ArrayBuffer>): void {
    const spare = this.#spare.get(bytes.length) ?? [];
    spare.push(bytes);
    this.#spare.set(bytes.length, spare);
  }
}

/** A range of a file, and who wants it. */
interface Errand {
  readonly range: FileRange;
  /** To be sent as it is. */
  readonly weights: WantedWeights[];
  readonly constants: PendingConstant[];
  /** Constants that have not been computed. */
  left: number;
  bytes?: Uint8Array<ArrayBuffer>;
}
/** A wanted constant. */
interface PendingConstant {
  readonly wanted: WantedWeights;
  readonly constant: FoldedConstant;
  /** One for each of its ranges. */
  readonly errands: readonly Errand[];
  /** Errands that have not been run. */
  missing: number;
}

export interface UploadFiles {
  readonly data: readonly { readonly name: string; readonly bytes: ByteSource }[];
  readonly constants?: { readonly name: string; readonly tensors: readonly FoldedConstant[] } | undefined;
}

export class WeightUploader {
  readonly #device: GPUDevice;
  readonly #untilLost: UntilLost;
  readonly #memory = new SpareMemory();

  constructor(device: GPUDevice, untilLost: UntilLost) {
    this.#device = device;
    this.#untilLost = untilLost;
  }

  /**
   * Resolves when the device has taken everything in.
   * @throws FormatError for a file that cannot be read; the signal's reason on abort; what `untilLost` does.
   */
  async upload(wanted: readonly WantedWeights[], files: UploadFiles, signal?: AbortSignal): Promise<void> {
    const total = wanted.reduce((sum, { length }) => sum + length, 0);
    const size = { slots: 3, slotBytes: Math.min(mostSlotBytes, total) };
    const ring = new StagingRing(this.#device, size, this.#untilLost);
    try {
      for (const [source, errands] of errandsByFile(wanted, files)) {
        signal?.throwIfAborted();
        const file = await openForward(source);
        try {
          for (const errand of errands) await this.#run(errand, file, ring, signal);
        } finally {
          file.close();
        }
      }
      ring.flush();
      await this.#untilLost(this.#device.queue.onSubmittedWorkDone());
    } finally {
      ring.close();
    }
  }

  async #run(errand: Errand, file: ForwardBytes, ring: StagingRing, signal: AbortSignal | undefined): Promise<void> {
    const { range, weights, constants } = errand;
    for (const { buffer, length } of weights)
      await ring.send(buffer, length, (offset, target) => file.fill(range.offset + offset, target, signal));
    if (constants.length === 0) return;
    errand.bytes = this.#memory.take(range.length);
    await file.fill(range.offset, errand.bytes, signal);
    for (const each of constants) {
      each.missing -= 1;
      if (each.missing === 0) await this.#compute(each, ring);
    }
  }

  async #compute({ wanted, constant, errands }: PendingConstant, ring: StagingRing): Promise<void> {
    const read = errands.map(({ bytes }) => bytes ?? new Uint8Array());
    const { buffer, length } = wanted;
    let whole: Uint8Array<ArrayBuffer> | undefined;
    await ring.send(buffer, length, async (offset, target) => {
      if (target.length === length) {
        constant.compute(read, target);
        return;
      }
      if (whole === undefined) {
        whole = new Uint8Array(length);
        constant.compute(read, whole);
      }
      target.set(whole.subarray(offset, offset + target.length));
    });
    for (const errand of new Set(errands)) {
      errand.left -= 1;
      if (errand.left > 0 || errand.bytes === undefined) continue;
      this.#memory.giveBack(errand.bytes);
      delete errand.bytes;
    }
  }
}

/** Every file with its errands, from front to back. @throws Error where ONNX Runtime wants what is not there. */
function errandsByFile(
  wanted: readonly WantedWeights[],
  { data, constants }: UploadFiles,
): ReadonlyMap<ByteSource, readonly Errand[]> {
  const errands = new Map<ByteSource, Map<string, Errand>>(data.map(({ bytes }) => [bytes, new Map()]));
  const errandFor = (range: FileRange): Errand => {
    const place = `${range.offset} ${range.length}`;
    const ofFile = errands.get(range.source);
    const found = ofFile?.get(place) ?? { range, weights: [], constants: [], left: 0 };
    ofFile?.set(place, found);
    return found;
  };
  for (const weights of wanted) {
    const { path, offset, length } = weights;
    if (path === constants?.name) {
      const constant = constants.tensors.find((each) => each.offset === offset && each.length === length);
      if (constant === undefined) throw new Error(`no constant lies at ${offset} of ${path}`);
      const needed = constant.ranges.map(errandFor);
      const distinct = new Set(needed);
      const pending: PendingConstant = { wanted: weights, constant, errands: needed, missing: distinct.size };
      for (const errand of distinct) {
        errand.constants.push(pending);
        errand.left += 1;
      }
    } else {
      const source = data.find(({ name }) => name === path)?.bytes;
      if (source === undefined) throw new Error(`there is no data file ${path}`);
      errandFor({ source, offset, length }).weights.push(weights);
    }
  }
  return new Map(
    [...errands].map(([source, ofFile]) => [
      source,
      [...ofFile.values()].sort((a, b) => a.range.offset - b.range.offset),
    ]),
  );
}
