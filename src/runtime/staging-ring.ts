/**
 * Memory through which bytes go to a device: a few mapped buffers, filled and emptied in turn. Made anew for every tensor, they would cost
 * more than the copying (pages to clear in two processes), and nothing would limit what is on its way.
 */

/** Buffers and offsets of copies are multiples of this; so are the ends of ONNX Runtime's buffers. */
const alignment = 16;
const aligned = (bytes: number): number => alignment * Math.ceil(bytes / alignment);

interface Copy {
  readonly from: number;
  readonly buffer: GPUBuffer;
  readonly to: number;
  readonly bytes: number;
}

class Slot {
  readonly buffer: GPUBuffer;
  #memory: ArrayBuffer | undefined;
  #used = 0;
  #copies: Copy[] = [];
  /** Resolves when the buffer is mapped again. */
  #mapped: Promise<unknown> = Promise.resolve();

  constructor(device: GPUDevice, size: number) {
    const usage = GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC;
    this.buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
  }

  get free(): number {
    return this.buffer.size - this.#used;
  }

  /** To be awaited before anything is put in. */
  async open(): Promise<void> {
    await this.#mapped;
    this.#memory ??= this.buffer.getMappedRange();
  }

  /** Memory for bytes that are to be copied to `buffer`; with what is behind them up to the alignment, as zeros. */
  put(buffer: GPUBuffer, to: number, length: number): Uint8Array<ArrayBuffer> {
    if (this.#memory === undefined) throw new Error('the slot is not open');
    const from = this.#used;
    const bytes = aligned(length);
    this.#used += bytes;
    this.#copies.push({ from, buffer, to, bytes });
    new Uint8Array(this.#memory, from + length, bytes - length).fill(0);
    return new Uint8Array(this.#memory, from, length);
  }

  send(device: GPUDevice, untilLost: UntilLost): void {
    if (this.#copies.length === 0) return;
    this.buffer.unmap();
    this.#memory = undefined;
    const encoder = device.createCommandEncoder();
    for (const { from, buffer, to, bytes } of this.#copies)
      encoder.copyBufferToBuffer(this.buffer, from, buffer, to, bytes);
    device.queue.submit([encoder.finish()]);
    this.#copies = [];
    this.#used = 0;
    this.#mapped = untilLost(this.buffer.mapAsync(GPUMapMode.WRITE));
    // Nobody may need it again.
    this.#mapped.catch(() => undefined);
  }
}

/** `promise`, or a rejection as soon as the device is lost: what waits for a lost device may never settle. */
export type UntilLost = <T>(promise: Promise<T>) => Promise<T>;

export interface RingSize {
  readonly slots: number;
  readonly slotBytes: number;
}

export class StagingRing {
  readonly #device: GPUDevice;
  readonly #untilLost: UntilLost;
  readonly #size: RingSize;
  readonly #slots: Slot[] = [];
  #current = 0;

  /** @param size slots are made when they are needed. */
  constructor(device: GPUDevice, size: RingSize, untilLost: UntilLost) {
    this.#device = device;
    this.#size = { ...size, slotBytes: aligned(size.slotBytes) };
    this.#untilLost = untilLost;
  }

  /**
   * Brings `length` bytes to the start of `buffer`, sooner or later.
   * @param fill puts the bytes from `offset` on into `target`; called for one part after the other, more than one where they are longer
   * than a slot. @throws what it does; what `untilLost` does.
   */
  async send(
    buffer: GPUBuffer,
    length: number,
    fill: (offset: number, target: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const { slotBytes } = this.#size;
    for (let done = 0; done < length; done += slotBytes) {
      const part = Math.min(slotBytes, length - done);
      const slot = await this.#slotFor(aligned(part));
      await fill(done, slot.put(buffer, done, part));
    }
  }

  /** Sends what has not been sent. */
  flush(): void {
    this.#slots[this.#current]?.send(this.#device, this.#untilLost);
  }

  /** Frees the memory; what was sent arrives nevertheless. */
  close(): void {
    for (const { buffer } of this.#slots) buffer.destroy();
  }

  async #slotFor(bytes: number): Promise<Slot> {
    let slot = this.#slots[this.#current];
    if (slot !== undefined && slot.free < bytes) {
      this.flush();
      this.#current = (this.#current + 1) % this.#size.slots;
      slot = this.#slots[this.#current];
    }
    slot ??= this.#slots[this.#current] = new Slot(this.#device, this.#size.slotBytes);
    await slot.open();
    return slot;
  }
}
