/**
 * A model repository in the Hugging Face hub's layout as a `FileSet`: ranges of `{hub}/{id}/resolve/{revision}/{file}`, kept
 * chunk by chunk in a store, so that an interrupted conversion goes on where it was without downloading anything twice.
 *
 * Invariant: one chunk is on its way at a time, so no more than one is lost however the download ends. Chunks of two versions of
 * a file are never mixed: the version is part of the key they are kept under.
 */
import { hex } from '@/base/hex.ts';
import type { ByteSource, FileSet } from './byte-source.ts';
import { type HttpOptions, openHttpSource } from './http-source.ts';
import { checkRange } from './memory-source.ts';

export interface HubModel {
  /** `owner/name`. */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** Where chunks are kept: a folder on disk, the browser's own storage, memory. */
export interface ChunkStore {
  /**
   * Bytes `begin` to `end` of a chunk.
   * @param bytes its whole length: a chunk of another length counts as absent.
   * @returns `undefined` where it is not kept.
   */
  read(
    key: string,
    index: number,
    bytes: number,
    begin: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keeps a chunk whole or not at all. */
  write(key: string, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

export interface HubOptions {
  /** Default: `https://huggingface.co`. */
  readonly hub: string;
  readonly chunks: ChunkStore;
  /** For gated models; sent to the hub only. */
  readonly token?: string;
  /** Default 16 MiB. */
  readonly chunkBytes?: number;
  readonly http?: Omit<HttpOptions, 'headers'>;
}

export const DEFAULT_HUB = 'https://huggingface.co';
const DEFAULT_CHUNK_BYTES = 16 * 1024 * 1024;
/** Parts of a chunk fetched at a time; one stream rarely fills a fast line. */
const PARALLEL_PARTS = 4;
/** Below this a request costs more than its bytes. */
const LEAST_PART_BYTES = 1024 * 1024;

/** `owner/name` or `owner/name@revision`; `undefined` for anything else. */
export function parseHubId(text: string): HubModel | undefined {
  const match = /^([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?$/.exec(text);
  const id = match?.[1];
  if (id === undefined || id.startsWith('.') || id.startsWith('/') || id.includes('..')) return undefined;
  return { id, revision: match?.[2] ?? 'main' };
}

/** @throws FormatError `network` when the hub cannot be reached or refuses, `mismatch` when a file changes meanwhile. */
export function hubFileSet(model: HubModel, options: HubOptions): FileSet {
  const base = `${options.hub.replace(/\/+$/, '')}/${model.id}/resolve/${encodeURIComponent(model.revision)}`;
  return keptFiles(`${model.id}@${model.revision}`, base, options);
}

/** The files below an address, kept in the same way. @param url of the folder, or of its `config.json` or `adapter_config.json`. */
export function urlFileSet(url: string, options: Omit<HubOptions, 'hub' | 'token'>): FileSet {
  return keptFiles(url, folderAddress(url), options);
}

/** The last part of an address, without the file: what is below it is called so. */
export function urlName(url: string): string {
  const { pathname, host } = new URL(folderAddress(url));
  const last = pathname.split('/').findLast((part) => part !== '');
  return last === undefined ? host : decodeURIComponent(last);
}

/** Without a slash at its end. */
function folderAddress(url: string): string {
  return url
    .replace(/[?#].*$/, '')
    .replace(/\/(adapter_)?config\.json$/, '')
    .replace(/\/+$/, '');
}

function keptFiles(name: string, base: string, options: Omit<HubOptions, 'hub'>): FileSet {
  const headers: Record<string, string> =
    options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  const oneAtATime = serial();
  return {
    name,
    async open(path, signal) {
      const url = `${base}/${path.split('/').map(encodeURIComponent).join('/')}`;
      const source = await openHttpSource(url, path, { ...options.http, headers }, signal);
      if (source === undefined) return undefined;
      // A server that names no version leaves the length alone to tell one from another.
      const key = await keyOf(`${url}\n${source.size}\n${source.revision ?? ''}`);
      return chunkedSource(source, key, options.chunks, options.chunkBytes ?? DEFAULT_CHUNK_BYTES, oneAtATime);
    },
  };
}

/** 32 hex digits. */
async function keyOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return hex(new Uint8Array(digest, 0, 16));
}

type Serial = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs what it is given one after another, whatever becomes of each. */
function serial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}

/** Reads through a store of aligned chunks. */
function chunkedSource(
  source: ByteSource,
  key: string,
  chunks: ChunkStore,
  chunkBytes: number,
  oneAtATime: Serial,
): ByteSource {
  const { name, size } = source;

  /** A chunk from the server, its parts side by side, kept before it is used. */
  const fetchChunk = async (
    index: number,
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(length);
    const partBytes = Math.max(Math.ceil(length / PARALLEL_PARTS), Math.min(LEAST_PART_BYTES, length));
    const parts = Array.from({ length: Math.ceil(length / partBytes) }, async (_, part) => {
      const begin = part * partBytes;
      const count = Math.min(partBytes, length - begin);
      bytes.set(await source.read(index * chunkBytes + begin, count, signal), begin);
    });
    // All are waited for, also after a failure: nothing is on its way once this is over.
    const outcomes = await Promise.allSettled(parts);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    await chunks.write(key, index, bytes);
    return bytes;
  };

  const partOf = async (
    index: number,
    begin: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const length = Math.min(chunkBytes, size - index * chunkBytes);
    const kept = (): Promise<Uint8Array<ArrayBuffer> | undefined> => chunks.read(key, index, length, begin, end);
    return (
      (await kept()) ??
      oneAtATime(async () => {
        signal?.throwIfAborted();
        // Another reader may have brought it while this one waited.
        return (await kept()) ?? (await fetchChunk(index, length, signal)).subarray(begin, end);
      })
    );
  };

  return {
    name,
    size,
    revision: source.revision,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(name, size, offset, length);
      const result = new Uint8Array(length);
      for (let at = offset; at < offset + length;) {
        const index = Math.floor(at / chunkBytes);
        const start = index * chunkBytes;
        const end = Math.min(offset + length, start + chunkBytes);
        result.set(await partOf(index, at - start, end - start, signal), at - offset);
        at = end;
      }
      return result;
    },
  };
}
