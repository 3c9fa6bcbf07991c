/**
 * A file as ONNX Runtime Web is given it for the external data of a graph, read or computed a tensor at a time: as bytes, and for the build
 * that reads Blobs by range also as a Blob, which can let it wait before a tensor.
 *
 * Given Blobs as browsers make them, the asyncify build would read each whole and leave it to the garbage collector (for stages of 0.55 GB of weights
 * 1.6 GB above an idle page), and the JSPI build would read every tensor by `slice(begin, end).stream()`, in pieces of 1 MiB, at a third
 * of the speed; the first read of such a stream in a worker of Chromium 156 now and then never settles (3 of 60 loads of 20 layers hung,
 * the pending read seen in place).
 */
import type { Room, Rooms } from '@/base/room.ts';
import type { ByteSource, OpenBytes } from '@/formats/byte-source.ts';

/**
 * The bytes of an open file as far as ONNX Runtime asks: how many there are, and `subarray` for each tensor, whose bytes it has copied
 * before it asks for the next. Nothing else of a `Uint8Array` works: it holds no bytes of its own.
 */
export class LazyBytes extends Uint8Array<ArrayBuffer> {
  readonly #size: number;
  readonly #file: OpenBytes;
  readonly #room: Room;
  #problem: Error | undefined;

  /** @param size bytes of the file. @param file closed with this. @param room for the bytes of a tensor. */
  constructor(size: number, file: OpenBytes, room: Room) {
    super(new ArrayBuffer(0));
    this.#size = size;
    this.#file = file;
    this.#room = room;
    // An accessor of the class would clash with what the type library declares as a property.
    Object.defineProperty(this, 'byteLength', { value: size });
  }

  /** Why the first tensor that could not be read was not: ONNX Runtime does not hand the error on. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** Bytes `[begin, end)`, good until the next call. */
  override subarray(begin = 0, end = this.#size): Uint8Array<ArrayBuffer> {
    try {
      return this.#file.read(begin, end - begin, this.#room);
    } catch (error) {
      this.#problem ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** The same as a Blob. Nothing else of a `Blob` works than its size and the streams of its slices. */
export class LazyBlob extends Blob {
  readonly #bytes: LazyBytes;
  readonly #turn: (bytes: number) => Promise<void>;

  /** @param turn called with the length of a tensor before it is read: resolves when there is room for it. */
  constructor(bytes: LazyBytes, turn: (bytes: number) => Promise<void>) {
    super();
    this.#bytes = bytes;
    this.#turn = turn;
  }

  override get size(): number {
    return this.#bytes.byteLength;
  }

  override slice(begin = 0, end = this.size): Blob {
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> => {
      await this.#turn(end - begin);
      controller.enqueue(this.#bytes.subarray(begin, end));
      controller.close();
    };
    // Not a stream of bytes: those would take the room away from whoever it belongs to.
    const stream = () => new ReadableStream({ pull }, { highWaterMark: 0 });
    return Object.assign(new Blob(), { stream });
  }
}

/**
 * Lets tensors be read in batches of `batchBytes` (a longer one is a batch of its own): while one batch is taken in, the next is read, and
 * no more are on their way.
 * @param takenIn resolves when all that was read so far has been taken in; where it rejects, so does the next turn.
 */
export function turnsInBatches(batchBytes: number, takenIn: () => Promise<unknown>): (bytes: number) => Promise<void> {
  let batch = 0;
  let before: Promise<unknown> = Promise.resolve();
  return async (bytes) => {
    if (batch > 0 && batch + bytes > batchBytes) {
      await before;
      before = takenIn();
      // Nobody may ask for another turn.
      before.catch(() => undefined);
      batch = 0;
    }
    batch += bytes;
  };
}

/**
 * How fast files are read. `free`: what is read is used at once. `slow`: it is on its way to a device for a while, and ONNX Runtime cannot
 * wait; read through an access handle, half a gigabyte of it would pile up (`batchBytes` of `web-backend.ts`). Otherwise the turn that a
 * `LazyBlob` waits for.
 */
export type Pace = 'free' | 'slow' | ((bytes: number) => Promise<void>);

/** The data files of one session while it is made. */
export class ExternalData {
  readonly #files: { readonly path: string; readonly data: LazyBytes | LazyBlob | Uint8Array }[] = [];
  readonly #open: LazyBytes[] = [];
  readonly #rooms: Rooms;
  readonly #pace: Pace;

  /** @param rooms used until this is closed. */
  constructor(rooms: Rooms, pace: Pace) {
    this.#rooms = rooms;
    this.#pace = pace;
  }

  /** As ONNX Runtime takes them. */
  get files(): readonly { readonly path: string; readonly data: LazyBytes | LazyBlob | Uint8Array }[] {
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
    const pace = this.#pace;
    const bytes = new LazyBytes(
      size,
      await openSync({ direct: pace !== 'slow' }),
      this.#rooms.of(`file ${this.#open.length}`),
    );
    this.#open.push(bytes);
    this.#files.push({ path, data: typeof pace === 'string' ? bytes : new LazyBlob(bytes, pace) });
  }

  close(): void {
    for (const bytes of this.#open) bytes.close();
  }
}
