/**
 * Files as ONNX Runtime Web is given them for the external data of a graph: bytes of which it asks for a tensor at a time while it makes a
 * session, in no order that could be known before.
 */
import type { Room, Rooms } from '@/base/room.ts';
import type { ByteSource, OpenBytes } from '@/formats/byte-source.ts';

/** As ONNX Runtime takes it. */
export interface ExternalFile {
  readonly path: string;
  readonly data: Uint8Array;
}

/**
 * The bytes of a file as far as ONNX Runtime asks: how many there are, and `subarray` for each tensor, whose bytes it has copied before it
 * asks for the next. Nothing else of a `Uint8Array` works: it holds no bytes of its own.
 */
export abstract class BytesOnDemand extends Uint8Array<ArrayBuffer> {
  readonly #size: number;

  /** @param size bytes of the file. */
  constructor(size: number) {
    super(new ArrayBuffer(0));
    this.#size = size;
    // An accessor of the class would clash with what the type library declares as a property.
    Object.defineProperty(this, 'byteLength', { value: size });
  }

  /** Bytes `[begin, end)`, good until the next call. */
  override subarray(begin = 0, end = this.#size): Uint8Array<ArrayBuffer> {
    return this.give(begin, end - begin);
  }

  protected abstract give(offset: number, length: number): Uint8Array<ArrayBuffer>;
}

/** A file that is read when it is asked for. */
export class LazyBytes extends BytesOnDemand {
  readonly #file: OpenBytes;
  readonly #room: Room;
  #problem: Error | undefined;

  /** @param file closed with this. @param room for the bytes of a tensor. */
  constructor(size: number, file: OpenBytes, room: Room) {
    super(size);
    this.#file = file;
    this.#room = room;
  }

  /** Why the first tensor that could not be read was not: ONNX Runtime does not hand the error on. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  close(): void {
    this.#file.close();
  }

  protected override give(offset: number, length: number): Uint8Array<ArrayBuffer> {
    try {
      return this.#file.read(offset, length, this.#room);
    } catch (error) {
      this.#problem ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }
}

/** The data files of one session while it is made. */
export class ExternalData {
  readonly #files: ExternalFile[] = [];
  readonly #open: LazyBytes[] = [];
  readonly #rooms: Rooms;

  /** @param rooms used until this is closed. */
  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  get files(): readonly ExternalFile[] {
    return this.#files;
  }

  /** Why the first tensor that could not be read was not. */
  get problem(): Error | undefined {
    return this.#open.find(({ problem }) => problem !== undefined)?.problem;
  }

  /** To be read a tensor at a time where that can be done, otherwise read whole. */
  async add(path: string, source: ByteSource, signal: AbortSignal | undefined): Promise<void> {
    const { size, openSync } = source;
    if (openSync === undefined) {
      this.#files.push({ path, data: await source.read(0, size, signal) });
      return;
    }
    const bytes = new LazyBytes(size, await openSync(), this.#rooms.of(`file ${this.#open.length}`));
    this.#open.push(bytes);
    this.#files.push({ path, data: bytes });
  }

  close(): void {
    for (const bytes of this.#open) bytes.close();
  }
}
