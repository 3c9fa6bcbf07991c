/**
 * A file behind a URL as a `ByteSource` over HTTP Range requests, and a base URL as a `FileSet`.
 *
 * Invariants: every byte of one source comes from one version of the file. The validator (ETag) and the length seen first
 * are pinned; an answer with others is an error, never mixed in. A connection that drops or stalls is taken up again at
 * the byte where it broke. A server without ranges is read once, whole, into a Blob, up to a length that memory bears.
 */
import { blobSource } from './blob-source.ts';
import type { ByteSource, FileSet } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { GatheredBlob } from './gathered-blob.ts';
import { checkRange } from './memory-source.ts';

export interface HttpOptions {
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  readonly headers?: Readonly<Record<string, string>>;
  /** Attempts after the first that make no headway before giving up; any byte received starts the count anew. Default 4. */
  readonly retries?: number;
  /** First wait between attempts; doubles each time. Default 500. */
  readonly backoffMs?: number;
  /** A connection silent for this long counts as dropped. Default 30,000. */
  readonly stallMs?: number;
  /**
   * Send `If-Range`. Default: only to the page's own origin or outside a page, because it makes a cross-origin request
   * need a preflight that file hosts refuse; the answer's ETag is compared either way.
   */
  readonly ifRange?: boolean;
  /**
   * The longest file taken whole from a server without ranges, bytes. Default 1 GiB: every file of an 8-billion-parameter package, but
   * not the shards of its checkpoint, which would fill the memory of the command line.
   */
  readonly wholeBytes?: number;
  /** Told of every piece of a body as it arrives, by the file's name. Bytes of a broken answer are told again. */
  readonly onBytes?: (file: string, bytes: number) => void;
}

const defaultWholeBytes = 2 ** 30;

interface Version {
  readonly size: number;
  readonly etag: string | undefined;
}

/** An attempt that may succeed when repeated. */
class Transient extends Error {}

/**
 * Opens a URL by asking for its first byte.
 * @returns `undefined` when the server says there is no such file (404, 410, or a page of HTML in its place).
 * @throws FormatError `network` naming the file; `unsupported` for one beyond `wholeBytes` on a server without ranges; `DOMException` AbortError
 *   on abort.
 */
export async function openHttpSource(
  url: string | URL,
  name: string,
  options: HttpOptions = {},
  signal?: AbortSignal,
): Promise<ByteSource | undefined> {
  const client = new HttpClient(new URL(url), name, options);
  return client.retrying(signal, async (attempt) => {
    const response = await client.request({ Range: 'bytes=0-0' }, attempt);
    const etag = response.headers.get('etag') ?? undefined;
    if (response.status === 404 || response.status === 410 || isHtmlInPlace(response, name)) {
      await response.body?.cancel();
      return undefined;
    }
    if (response.status === 206) {
      const size = parseContentRange(response)?.size;
      await response.body?.cancel();
      if (size === undefined)
        throw new FormatError(
          'network',
          name,
          `${client.url.href} answers ranges without saying how long the file is.`,
        );
      return new HttpSource(client, { size, etag });
    }
    // An empty file has no first byte: 416 with `bytes */0`.
    if (response.status === 416 && response.headers.get('content-range')?.trim() === 'bytes */0') {
      await response.body?.cancel();
      return new HttpSource(client, { size: 0, etag });
    }
    if (response.status === 200) return blobSource(name, await client.wholeBody(response, attempt));
    return client.refuse(response);
  });
}

/** Files under a base URL. Paths may not leave it. */
export function urlFileSet(baseUrl: string | URL, options: HttpOptions = {}): FileSet {
  const base = new URL(baseUrl);
  base.search = '';
  base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return {
    name: base.href,
    async open(path, signal) {
      return openHttpSource(resolveInside(base, path), path, options, signal);
    },
  };
}

/** @throws FormatError `malformed` for a path that is absolute or climbs out of the base. */
function resolveInside(base: URL, path: string): URL {
  const parts = path.split('/');
  if (path.includes('\\') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new FormatError('malformed', path, 'is not a path inside the folder.');
  const url = new URL(base);
  url.pathname += parts.map(encodeURIComponent).join('/');
  return url;
}

/** Static hosts of single-page sites answer any missing path with their index page and status 200. */
function isHtmlInPlace(response: Response, name: string): boolean {
  return /^text\/html\b/i.test(response.headers.get('content-type') ?? '') && !/\.html?$/i.test(name);
}

function parseContentRange(response: Response): { begin: number; end: number; size: number } | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range')?.trim() ?? '');
  if (match === null) return undefined;
  return { begin: Number(match[1]), end: Number(match[2]) + 1, size: Number(match[3]) };
}

class HttpSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly revision: string | undefined;
  private readonly client: HttpClient;
  private readonly version: Version;
  /** Set once the server has stopped honouring ranges: the whole file. */
  private whole: Blob | undefined;

  constructor(client: HttpClient, version: Version) {
    this.name = client.name;
    this.size = version.size;
    this.revision = version.etag;
    this.client = client;
    this.version = version;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    checkRange(this.name, this.size, offset, length);
    const result = new Uint8Array(length);
    let filled = 0;
    if (length === 0) return result;
    await this.client.retrying(
      signal,
      async (attempt) => {
        if (this.whole !== undefined) {
          const part = this.whole.slice(offset + filled, offset + length);
          result.set(new Uint8Array(await part.arrayBuffer()), filled);
          return;
        }
        for await (const chunk of this.range(offset + filled, offset + length, attempt)) {
          if (filled + chunk.length > length) throw new Transient('more bytes arrived than the answer announced');
          result.set(chunk, filled);
          filled += chunk.length;
        }
        if (filled < length) throw new Transient(`the answer broke off after ${filled} of ${length} bytes`);
      },
      () => filled,
    );
    return result;
  }

  /** Bytes `[begin, end)` as they arrive; may end early when the connection does. */
  private async *range(begin: number, end: number, attempt: Attempt): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { etag, size } = this.version;
    const headers: Record<string, string> = { Range: `bytes=${begin}-${end - 1}` };
    // A weak validator never matches in If-Range (RFC 9110, 13.1.5): sending it would forfeit the range.
    if (etag !== undefined && !etag.startsWith('W/') && this.client.ifRange) headers['If-Range'] = etag;
    const response = await this.client.request(headers, attempt);
    const nowEtag = response.headers.get('etag') ?? undefined;
    const changed = etag !== undefined && nowEtag !== undefined && stripWeak(nowEtag) !== stripWeak(etag);
    if (response.status === 206) {
      const got = parseContentRange(response);
      if (changed || (got !== undefined && got.size !== size)) await this.changed(response);
      if (got !== undefined && (got.begin !== begin || got.end > end)) {
        await response.body?.cancel();
        throw new Transient(`bytes ${got.begin} to ${got.end} came back for ${begin} to ${end}`);
      }
      yield* this.client.chunks(response, attempt);
    } else {
      if (response.status === 404 || changed) await this.changed(response);
      if (response.status === 416) await this.refusedRange(response, attempt);
      if (response.status !== 200) await this.client.refuse(response);
      // The server ignored the range: take the whole file, once.
      const whole = await this.client.wholeBody(response, attempt);
      if (whole.size !== size) await this.changed(undefined);
      this.whole = whole;
      yield new Uint8Array(await whole.slice(begin, end).arrayBuffer());
    }
  }

  /** 416: the file got shorter, unless the same version still says its full length. Then the answer was wrong. */
  private async refusedRange(response: Response, attempt: Attempt): Promise<never> {
    await response.body?.cancel();
    const { etag, size } = this.version;
    const now = await this.client.request({ Range: 'bytes=0-0' }, attempt);
    const nowEtag = now.headers.get('etag') ?? undefined;
    const same =
      now.status === 206 &&
      parseContentRange(now)?.size === size &&
      (etag === undefined || nowEtag === undefined || stripWeak(nowEtag) === stripWeak(etag));
    if (!same) return this.changed(now);
    await now.body?.cancel();
    throw new Transient('the server answered 416 for a range that the file has');
  }

  private async changed(response: Response | undefined): Promise<never> {
    await response?.body?.cancel();
    throw new FormatError(
      'mismatch',
      this.name,
      `the file at ${this.client.url.href} changed or went away while it was being read.`,
      'Start again.',
    );
  }
}

function stripWeak(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}

/** One try of a request: its signal fires on the caller's abort and when the connection stalls. */
interface Attempt {
  readonly signal: AbortSignal;
  /** Restarts the stall clock. */
  alive(): void;
}

class HttpClient {
  readonly url: URL;
  readonly name: string;
  readonly ifRange: boolean;
  private readonly wholeBytes: number;
  private readonly options: HttpOptions;

  constructor(url: URL, name: string, options: HttpOptions) {
    this.url = url;
    this.name = name;
    this.options = options;
    this.wholeBytes = options.wholeBytes ?? defaultWholeBytes;
    const page = (globalThis as { location?: { origin?: string } }).location?.origin;
    this.ifRange = options.ifRange ?? (page === undefined || page === url.origin);
  }

  async request(headers: Readonly<Record<string, string>>, attempt: Attempt): Promise<Response> {
    const send = this.options.fetch ?? globalThis.fetch;
    let response: Response;
    try {
      response = await send(this.url, { headers: { ...this.options.headers, ...headers }, signal: attempt.signal });
    } catch (cause) {
      throw new Transient(cause instanceof Error ? describe(cause) : String(cause));
    }
    attempt.alive();
    if (response.status >= 500 || response.status === 429 || response.status === 408) {
      await response.body?.cancel();
      throw new Transient(`the server answered ${response.status} ${response.statusText}`.trim());
    }
    return response;
  }

  /** Body chunks as they arrive. @throws Transient when the connection breaks. */
  async *chunks(response: Response, attempt: Attempt): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    try {
      for (;;) {
        let next: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
        try {
          next = await reader.read();
        } catch (cause) {
          throw new Transient(cause instanceof Error ? describe(cause) : String(cause));
        }
        attempt.alive();
        if (next.done) return;
        this.options.onBytes?.(this.name, next.value.length);
        yield next.value;
      }
    } finally {
      // Also reached when the consumer stops early: the rest of the body is not wanted.
      await reader.cancel().catch(() => undefined);
    }
  }

  async wholeBody(response: Response, attempt: Attempt): Promise<Blob> {
    const announced = response.headers.get('content-length');
    if (Number(announced) > this.wholeBytes) {
      await response.body?.cancel();
      this.refuseWhole();
    }
    const gathered = new GatheredBlob();
    let received = 0;
    for await (const chunk of this.chunks(response, attempt)) {
      received += chunk.length;
      if (received > this.wholeBytes) this.refuseWhole();
      gathered.add(chunk);
    }
    if (announced !== null && response.headers.get('content-encoding') === null && Number(announced) !== received)
      throw new Transient(`the answer broke off after ${received} of ${announced} bytes`);
    return gathered.blob();
  }

  private refuseWhole(): never {
    throw new FormatError(
      'unsupported',
      this.name,
      `${this.url.origin} sends files whole only (it ignores byte ranges), and this one is longer than ${(this.wholeBytes / 1e9).toFixed(1)} GB.`,
      'Download the files and open the folder, or use a server that answers byte ranges.',
    );
  }

  async refuse(response: Response): Promise<never> {
    await response.body?.cancel();
    const remedy =
      response.status === 401 || response.status === 403
        ? 'The file is not public: download it and open the folder instead.'
        : undefined;
    throw new FormatError(
      'network',
      this.name,
      `${this.url.href} answered ${response.status} ${response.statusText}.`,
      remedy,
    );
  }

  /**
   * Runs `work` until it succeeds, waiting longer after each transient failure.
   * @param progress bytes so far: an attempt that got further does not count against the retries.
   */
  async retrying<T>(
    signal: AbortSignal | undefined,
    work: (attempt: Attempt) => Promise<T>,
    progress: () => number = () => 0,
  ): Promise<T> {
    const retries = this.options.retries ?? 4;
    const backoffMs = this.options.backoffMs ?? 500;
    const stallMs = this.options.stallMs ?? 30_000;
    for (let failures = 0; ;) {
      signal?.throwIfAborted();
      const before = progress();
      const stalled = new AbortController();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => stalled.abort(new Transient(`no answer for ${stallMs / 1000} seconds`)), stallMs);
      };
      alive();
      const both = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]);
      try {
        return await work({ signal: both, alive });
      } catch (cause) {
        signal?.throwIfAborted();
        if (!(cause instanceof Transient)) throw cause;
        failures = progress() > before ? 1 : failures + 1;
        if (failures > retries)
          throw new FormatError(
            'network',
            this.name,
            `${this.url.href} could not be read: ${cause.message}.`,
            'Check the connection and try again.',
          );
        await wait(backoffMs * 2 ** (failures - 1), signal);
      } finally {
        clearTimeout(timer);
      }
    }
  }
}

/** `fetch failed` alone says nothing; Node keeps the reason in `cause`. */
function describe(error: Error): string {
  const reason = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${reason}`;
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('Cancelled.', 'AbortError');
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(abortReason(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
