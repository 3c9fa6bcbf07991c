/** Buffers of one run: made under an error scope, freed together. */
import { DeviceMemoryError } from './training-device.ts';

export class DeviceMemory {
  readonly device: GPUDevice;
  private readonly buffers: GPUBuffer[] = [];
  /** Bytes held. */
  private held = 0;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  get bytes(): number {
    return this.held;
  }

  /** A storage buffer of `length` 32-bit numbers, zero, that can be written and read back. */
  storage(label: string, length: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.make(label, 4 * Math.max(4, length), usage);
  }

  /** A storage buffer that holds `values`. */
  filled(label: string, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.storage(label, values.length);
    this.device.queue.writeBuffer(buffer, 0, values);
    return buffer;
  }

  /** A uniform of 32-bit words: whole numbers as they are, `{ f32 }` as floats. */
  uniform(label: string, words: readonly (number | { readonly f32: number })[]): GPUBuffer {
    const data = packWords(words);
    const buffer = this.make(label, Math.max(16, Math.ceil(data.byteLength / 16) * 16), uniformUsage());
    this.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  make(label: string, size: number, usage: number): GPUBuffer {
    const buffer = this.device.createBuffer({ label, size, usage });
    this.buffers.push(buffer);
    this.held += size;
    return buffer;
  }

  /** Runs `work`, which makes buffers. @throws DeviceMemoryError when the device has no room for them. */
  async within<T>(what: string, work: () => T): Promise<T> {
    this.device.pushErrorScope('validation');
    this.device.pushErrorScope('out-of-memory');
    const result = attempt(work);
    const full = await this.device.popErrorScope();
    const wrong = await this.device.popErrorScope();
    if (full !== null || wrong !== null) {
      const megabytes = Math.round(this.held / 1e6);
      this.free();
      // A buffer above the device's limit is a validation error, but to a person it is the same thing.
      const reason = (full ?? wrong)?.message ?? '';
      throw new DeviceMemoryError(`The graphics device has no room for ${what} (${megabytes} MB): ${reason}`);
    }
    if ('error' in result) throw result.error;
    return result.value;
  }

  free(): void {
    for (const buffer of this.buffers.splice(0)) buffer.destroy();
  }
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

function uniformUsage(): number {
  return GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
}

/** 32-bit words, little-endian. */
export function packWords(words: readonly (number | { readonly f32: number })[]): Uint32Array<ArrayBuffer> {
  const data = new Uint32Array(words.length);
  const floats = new Float32Array(data.buffer);
  for (const [i, word] of words.entries())
    if (typeof word === 'number') data[i] = word;
    else floats[i] = word.f32;
  return data;
}

/** Reads a buffer back as f32. @throws what `mapAsync` throws, e.g. when the device is lost. */
export async function readFloats(
  device: GPUDevice,
  buffer: GPUBuffer,
  length: number,
): Promise<Float32Array<ArrayBuffer>> {
  const staging = device.createBuffer({
    label: 'read back',
    size: 4 * Math.max(1, length),
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  try {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, 4 * length);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  } finally {
    staging.destroy();
  }
}
