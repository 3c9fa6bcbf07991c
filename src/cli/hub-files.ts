/**
 * A model repository in the Hugging Face hub's layout as a `FileSet`: ranges of `{hub}/{id}/resolve/{revision}/{file}`, kept
 * in a folder chunk by chunk, so that an interrupted conversion goes on where it was without downloading anything twice.
 */
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { openHttpSource } from '@/formats/http-source.ts';
import { checkRange } from '@/formats/memory-source.ts';
import { diskSource } from './disk-files.ts';

export interface HubModel {
  /** `owner/name`. */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export interface HubOptions {
  /** Default: `https://huggingface.co`. */
  readonly hub: string;
  /** Where chunks are kept. */
  readonly cacheFolder: string;
  /** For gated models; sent to the hub only. */
  readonly token?: string;
  /** Default 16 MiB. */
  readonly chunkBytes?: number;
}

export const DEFAULT_HUB = 'https://huggingface.co';
const DEFAULT_CHUNK_BYTES = 16 * 1024 * 1024;
/** Chunks fetched at a time; one stream rarely fills a fast line. */
const PARALLEL_CHUNKS = 4;

/** `owner/name` or `owner/name@revision`; `undefined` for anything else. */
export function parseHubId(text: string): HubModel | undefined {
  const match = /^([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?$/.exec(text);
  const id = match?.[1];
  if (id === undefined || id.startsWith('.') || id.startsWith('/') || id.includes('..')) return undefined;
  return { id, revision: match?.[2] ?? 'main' };
}

/** @throws FormatError `network` when the hub cannot be reached or refuses. */
export function hubFileSet(model: HubModel, options: HubOptions): FileSet {
  const base = `${options.hub.replace(/\/+$/, '')}/${model.id}/resolve/${encodeURIComponent(model.revision)}`;
  const headers: Record<string, string> =
    options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  return {
    name: `${model.id}@${model.revision}`,
    async open(path, signal) {
      const url = `${base}/${path.split('/').map(encodeURIComponent).join('/')}`;
      const source = await openHttpSource(url, path, { headers }, signal);
      if (source === undefined) return undefined;
      const version = await versionOf(url, headers, signal);
      const key = createHash('sha256').update(`${url}\n${source.size}\n${version}`).digest('hex').slice(0, 32);
      return chunkedSource(source, join(options.cacheFolder, key), options.chunkBytes ?? DEFAULT_CHUNK_BYTES);
    },
  };
}

/**
 * What tells one version of a file from another, so that chunks of two are never mixed: the commit and the file's hash where
 * the hub says them. A server that says nothing leaves the length alone to tell.
 */
async function versionOf(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    const response = await fetch(url, { method: 'HEAD', headers, ...(signal === undefined ? {} : { signal }) });
    return response.ok ? (response.headers.get('etag') ?? '') : '';
  } catch (cause) {
    signal?.throwIfAborted();
    throw new FormatError('network', url, cause instanceof Error ? cause.message : String(cause));
  }
}

/** Reads through a folder of aligned chunks. A chunk is written whole under a passing name, then renamed. */
function chunkedSource(source: ByteSource, folder: string, chunkBytes: number): ByteSource {
  const loading = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  const lengthOf = (index: number): number => Math.min(chunkBytes, source.size - index * chunkBytes);

  const pathOf = (index: number): string => join(folder, `${index}.chunk`);
  const fetchChunk = async (index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = await source.read(index * chunkBytes, lengthOf(index), signal);
    await mkdir(folder, { recursive: true });
    await writeFile(`${pathOf(index)}.part`, bytes);
    await rename(`${pathOf(index)}.part`, pathOf(index));
    return bytes;
  };
  /** Two readers of one chunk share its request. */
  const shared = (index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> => {
    const running = loading.get(index);
    if (running !== undefined) return running;
    const started = fetchChunk(index, signal).finally(() => loading.delete(index));
    loading.set(index, started);
    return started;
  };

  /** Bytes `begin` to `end` of a chunk; of one on disk no more than these are read. */
  const part = async (
    index: number,
    begin: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const kept = await diskSource(pathOf(index), source.name);
    if (kept?.size === lengthOf(index)) return kept.read(begin, end - begin, signal);
    return (await shared(index, signal)).subarray(begin, end);
  };

  return {
    name: source.name,
    size: source.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(source.name, source.size, offset, length);
      const result = new Uint8Array(length);
      if (length === 0) return result;
      const last = Math.floor((offset + length - 1) / chunkBytes);
      let next = Math.floor(offset / chunkBytes);
      const worker = async (): Promise<void> => {
        while (next <= last) {
          const index = next++;
          const start = index * chunkBytes;
          const begin = Math.max(offset, start);
          const end = Math.min(offset + length, start + lengthOf(index));
          const bytes = await part(index, begin - start, end - start, signal).catch((error: unknown) => {
            // The others take no further chunk.
            next = last + 1;
            throw error;
          });
          result.set(bytes, begin - offset);
        }
      };
      // All are waited for, also after a failure: nothing writes into the folder once this call is over.
      const outcomes = await Promise.allSettled(Array.from({ length: PARALLEL_CHUNKS }, worker));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      return result;
    },
  };
}
