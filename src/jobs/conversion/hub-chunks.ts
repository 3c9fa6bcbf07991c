/** Chunks of a hub's files in the origin's private file system, until what they are for is whole. */
import type { ChunkStore } from '@/formats/hub-source.ts';

const FOLDER = 'hub-chunks';

export function opfsChunkStore(): ChunkStore {
  const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  const fileName = (key: string, index: number): string => `${key}-${index}`;
  return {
    async read(key, index, bytes, begin, end) {
      const handle = await (await folder()).getFileHandle(fileName(key, index)).catch(missing);
      const file = await handle?.getFile();
      if (file?.size !== bytes) return undefined;
      return new Uint8Array(await file.slice(begin, end).arrayBuffer());
    },
    async write(key, index, bytes) {
      const handle = await (await folder()).getFileHandle(fileName(key, index), { create: true });
      // Goes to a new file that takes the place of the empty one when it is closed.
      const stream = await handle.createWritable();
      try {
        await stream.write(bytes);
      } catch (error) {
        await stream.abort();
        throw error;
      }
      await stream.close();
    },
  };
}

/** Gives their space back. */
export async function clearHubChunks(): Promise<void> {
  await (await navigator.storage.getDirectory()).removeEntry(FOLDER, { recursive: true }).catch(missing);
}

function missing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'NotFoundError') return undefined;
  throw error;
}
