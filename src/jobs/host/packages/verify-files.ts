/** Reads every byte of a kept package and finds the chunks that are not as they were written. Changes nothing. */
import { createSHA256 } from 'hash-wasm';
import { chunkLength, type KeptFile, type KeptPackage } from '@/formats/kept/kept-package.ts';
import type { PackageFolders } from '@/formats/kept/package-folders.ts';
import { sha256Of } from '@/formats/chunk-hashing.ts';

/**
 * The files as they are now.
 * @param onProgress the file at hand and the bytes done of all files. @throws AbortError
 */
export async function verifyFiles(
  folders: PackageFolders,
  record: KeptPackage,
  signal: AbortSignal,
  onProgress: (file: KeptFile, doneBytes: number) => void,
): Promise<KeptFile[]> {
  const checked: KeptFile[] = [];
  let before = 0;
  for (const file of record.files) {
    const start = before;
    checked.push(
      await verifyFile(await folders.blob(record.key, file.file), file, record.chunkBytes, signal, (done) =>
        onProgress(file, start + done),
      ),
    );
    before += file.bytes;
  }
  return checked;
}

async function verifyFile(
  blob: Blob | undefined,
  file: KeptFile,
  chunkBytes: number,
  signal: AbortSignal,
  onBytes: (done: number) => void,
): Promise<KeptFile> {
  const hasher = await createSHA256();
  const broken: number[] = [];
  let complete = true;
  for (const [index, hash] of file.chunks.entries()) {
    signal.throwIfAborted();
    const offset = index * chunkBytes;
    const length = chunkLength(file, chunkBytes, index);
    if (hash === '') complete = false;
    else {
      const bytes = await bytesOf(blob, offset, length);
      if (bytes === undefined || (await sha256Of(bytes)) !== hash) broken.push(index);
      else hasher.update(bytes);
    }
    onBytes(offset + length);
  }
  const sound = broken.length === 0 && complete;
  // Every chunk as it was written, and yet another file: then none of them can be told to be right.
  if (sound && hasher.digest() !== file.sha256) broken.push(...file.chunks.keys());
  return { ...file, broken, whole: file.whole && sound && broken.length === 0 };
}

/** `undefined` where they cannot be read or are too few. */
async function bytesOf(
  blob: Blob | undefined,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (blob === undefined || blob.size < offset + length) return undefined;
  try {
    return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
  } catch {
    return undefined;
  }
}
