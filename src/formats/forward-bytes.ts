/** Reading a file from front to back: what a place reads fastest. */
import type { ByteSource } from './byte-source.ts';

export interface ForwardBytes {
  /**
   * Fills `target` with the bytes from `offset` on. Fastest where that is not before what was read last.
   * @throws FormatError as `ByteSource.read` does; the signal's reason on abort.
   */
  fill(offset: number, target: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void>;
  /** To be called once; nothing is read after. */
  close(): void;
}

/** In the way that the place has for it; elsewhere a range at a time. */
export async function openForward(source: ByteSource): Promise<ForwardBytes> {
  return (await source.openForward?.()) ?? inRanges(source);
}

/** Bytes read into memory of their own before they are copied to where they belong. */
const rangeBytes = 16 * 1024 * 1024;

/** @param source whose `read` is all that is used. */
export function inRanges(source: Pick<ByteSource, 'read'>): ForwardBytes {
  return {
    async fill(offset, target, signal) {
      for (let done = 0; done < target.length; done += rangeBytes) {
        const part = target.subarray(done, done + rangeBytes);
        part.set(await source.read(offset + done, part.length, signal));
      }
    },
    close: () => undefined,
  };
}
