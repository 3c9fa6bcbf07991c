import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from './errors.ts';
import { openHttpSource, urlFileSet } from './http-source.ts';

/** A file server with faults on order. */
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) % 256);
let server: Server;
let base: string;
let handler: Handler;
let requests: { range: string | undefined; ifRange: string | undefined; url: string }[];

beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    requests.push({
      range: request.headers.range,
      ifRange: request.headers['if-range'] as string | undefined,
      url: request.url ?? '',
    });
    handler(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

/** An honest server of one file. */
function serve(bytes = content, etag = '"v1"'): Handler {
  return (request, response) => {
    if (etag !== '') response.setHeader('ETag', etag);
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const condition = request.headers['if-range'];
    if (match === null || (condition !== undefined && condition !== etag)) {
      response.writeHead(200, { 'Content-Length': bytes.length });
      response.end(bytes);
      return;
    }
    const begin = Number(match[1]);
    const end = Math.min(Number(match[2]) + 1, bytes.length);
    if (begin >= bytes.length) {
      response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` });
      response.end();
      return;
    }
    response.writeHead(206, {
      'Content-Range': `bytes ${begin}-${end - 1}/${bytes.length}`,
      'Content-Length': end - begin,
    });
    response.end(bytes.subarray(begin, end));
  };
}

const fast = { backoffMs: 1 };
const open = async (options = {}, signal?: AbortSignal) => {
  const source = await openHttpSource(`${base}f.bin`, 'f.bin', { ...fast, ...options }, signal);
  if (source === undefined) throw new Error('the file was not found');
  return source;
};

async function errorOf(work: Promise<unknown>): Promise<FormatError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

describe('openHttpSource', () => {
  it('reads ranges, conditional on the first answer, and never the whole file', async () => {
    handler = serve();
    const source = await open();
    expect(source.size).toBe(content.length);
    expect(await source.read(1000, 5000)).toEqual(content.slice(1000, 6000));
    expect(await source.read(content.length - 1, 1)).toEqual(content.slice(-1));
    expect((await source.read(10, 0)).length).toBe(0);
    expect(requests.map(({ range }) => range)).toEqual(['bytes=0-0', 'bytes=1000-5999', 'bytes=199999-199999']);
    expect(requests[1]?.ifRange).toBe('"v1"');
  });

  it('refuses ranges outside the file without asking', async () => {
    handler = serve();
    const source = await open();
    const error = await errorOf(source.read(content.length - 1, 2));
    expect(error).toMatchObject({ code: 'truncated', where: 'f.bin' });
    expect(requests.length).toBe(1);
  });

  it('sends no If-Range for a weak ETag, across origins, or without one', async () => {
    handler = serve(content, 'W/"weak"');
    expect(await (await open()).read(5, 5)).toEqual(content.slice(5, 10));
    handler = serve();
    expect(await (await open({ ifRange: false })).read(5, 5)).toEqual(content.slice(5, 10));
    handler = serve(content, '');
    expect(await (await open()).read(5, 5)).toEqual(content.slice(5, 10));
    expect(requests.map(({ ifRange }) => ifRange)).toEqual(Array.from({ length: 6 }));
  });

  it('is undefined for 404, 410 and an HTML page in the place of a file', async () => {
    for (const [status, type] of [
      [404, 'text/plain'],
      [410, 'text/plain'],
      [200, 'text/html; charset=utf-8'],
    ] as const) {
      handler = (_request, response) => response.writeHead(status, { 'Content-Type': type }).end('<html>');
      expect(await openHttpSource(`${base}armoscope.json`, 'armoscope.json', fast)).toBeUndefined();
    }
  });

  it('opens an empty file', async () => {
    handler = serve(new Uint8Array(0));
    expect((await open()).size).toBe(0);
  });

  it('takes the whole file once from a server without ranges', async () => {
    handler = (_request, response) => response.writeHead(200, { 'Content-Length': content.length }).end(content);
    const source = await open();
    expect(source.size).toBe(content.length);
    expect(await source.read(77, 1000)).toEqual(content.slice(77, 1077));
    expect(await source.read(0, 10)).toEqual(content.slice(0, 10));
    expect(requests.length).toBe(1);
  });

  it('takes the whole file once from a server that stops honouring ranges', async () => {
    handler = serve();
    const source = await open();
    handler = (_request, response) =>
      response.writeHead(200, { 'Content-Length': content.length, ETag: '"v1"' }).end(content);
    expect(await source.read(77, 1000)).toEqual(content.slice(77, 1077));
    expect(await source.read(100_000, 10)).toEqual(content.slice(100_000, 100_010));
    expect(requests.length).toBe(2);
  });

  it.each([
    ['announced', { 'Content-Length': content.length }],
    ['not announced', {}],
  ])('refuses a whole file that is longer than memory bears, its length %s', async (_what, headers) => {
    let sent = 0;
    handler = (_request, response) => {
      response.writeHead(200, headers);
      const send = (): void => {
        if (sent >= content.length || response.destroyed) return void response.end();
        response.write(content.subarray(sent, (sent += 1000)), send);
      };
      send();
    };
    const wholeBytes = content.length - 1;
    await expect(open({ wholeBytes })).rejects.toThrow(/f\.bin: http.* ignores byte ranges.*Download the files/);
    expect(requests.length).toBe(1);
    sent = 0;
    expect((await open({ wholeBytes: content.length })).size).toBe(content.length);
  });

  it('refuses a long whole file also from a server that stops honouring ranges', async () => {
    handler = serve();
    const source = await open({ wholeBytes: 1000 });
    handler = (_request, response) =>
      response.writeHead(200, { 'Content-Length': content.length, ETag: '"v1"' }).end(content);
    await expect(source.read(77, 100)).rejects.toMatchObject({ name: 'FormatError', code: 'unsupported' });
  });

  it('goes on where a dropped connection broke', async () => {
    handler = serve();
    // More drops than retries: an attempt that made headway does not count.
    const source = await open({ retries: 1 });
    let drops = 3;
    handler = (request, response) => {
      if (drops-- <= 0) return serve()(request, response);
      const [begin = 0, last = 0] = (request.headers.range ?? '').slice(6).split('-').map(Number);
      response.writeHead(206, {
        ETag: '"v1"',
        'Content-Range': `bytes ${begin}-${last}/${content.length}`,
        'Content-Length': last - begin + 1,
      });
      response.write(content.subarray(begin, begin + 10_000), () => response.destroy());
    };
    expect(await source.read(0, 100_000)).toEqual(content.slice(0, 100_000));
    const begins = requests.slice(1).map(({ range }) => Number(/=(\d+)/.exec(range ?? '')?.[1]));
    expect(begins.length).toBe(4);
    expect(begins[0]).toBe(0);
    // Every attempt began further on: at most what was in flight is asked for again.
    for (let i = 1; i < begins.length; i++) expect(begins[i]).toBeGreaterThan(begins[i - 1] ?? Infinity);
  });

  it('repeats after 5xx, 429 and refused connections, then gives up naming file and reason', async () => {
    handler = serve();
    const source = await open({ retries: 3 });
    const answers = [503, 429, 500];
    handler = (request, response) => {
      const status = answers.shift();
      if (status === undefined) serve()(request, response);
      else response.writeHead(status).end();
    };
    expect(await source.read(0, 4)).toEqual(content.slice(0, 4));
    handler = (_request, response) => response.writeHead(503).end();
    const before = requests.length;
    const error = await errorOf(source.read(0, 4));
    expect(error).toMatchObject({ code: 'network', where: 'f.bin' });
    expect(error.message).toContain('503');
    expect(requests.length - before).toBe(4);
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
    expect(await errorOf(source.read(0, 4))).toMatchObject({ code: 'network' });
  });

  it('counts a silent connection as dropped', async () => {
    handler = serve();
    const source = await open({ stallMs: 50 });
    let silent = 1;
    handler = (request, response) => {
      if (silent-- > 0) response.writeHead(206, { ETag: '"v1"' }).flushHeaders();
      else serve()(request, response);
    };
    expect(await source.read(0, 4)).toEqual(content.slice(0, 4));
    handler = () => undefined;
    expect((await errorOf(source.read(0, 4))).message).toContain('no answer for 0.05 seconds');
  });

  it('does not repeat 403 and says what to do', async () => {
    handler = (_request, response) => response.writeHead(403).end();
    const error = await errorOf(open());
    expect(error.message).toContain('403');
    expect(error.remedy).toContain('download it');
    expect(requests.length).toBe(1);
  });

  it('refuses to mix two versions of a file', async () => {
    const shorter = content.slice(0, 50_000);
    const changes: [string, Handler][] = [
      ['new ETag, If-Range answered with 200', serve(content, '"v2"')],
      [
        'new ETag on a 206',
        (_request, response) =>
          response
            .writeHead(206, { ETag: '"v2"', 'Content-Range': `bytes 60000-60003/${content.length}` })
            .end(content.subarray(0, 4)),
      ],
      [
        'another length on a 206',
        (_request, response) =>
          response.writeHead(206, { 'Content-Range': 'bytes 60000-60003/70000' }).end(content.subarray(0, 4)),
      ],
      ['416 after the file shrank', serve(shorter, '"v1"')],
      ['404 after it went away', (_request, response) => response.writeHead(404).end()],
      ['200 of another length', (_request, response) => response.writeHead(200).end(shorter)],
    ];
    for (const [name, change] of changes) {
      handler = serve();
      const source = await open();
      handler = change;
      const error = await errorOf(source.read(60_000, 4));
      expect(error.message, name).toContain('changed or went away');
      expect(error).toMatchObject({ code: 'mismatch', where: 'f.bin' });
    }
  });

  it('never accepts bytes from another place', async () => {
    handler = serve();
    const source = await open({ retries: 1 });
    handler = (_request, response) =>
      response
        .writeHead(206, { ETag: '"v1"', 'Content-Range': `bytes 0-3/${content.length}` })
        .end(content.subarray(0, 4));
    expect((await errorOf(source.read(60_000, 4))).message).toContain('came back for');
  });

  it('aborts with an AbortError, while reading and while waiting to try again', async () => {
    handler = serve();
    const source = await open({ backoffMs: 60_000 });
    handler = () => undefined;
    const controller = new AbortController();
    const reading = source.read(0, 4, controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    handler = (_request, response) => response.writeHead(503).end();
    const second = new AbortController();
    const waiting = source.read(0, 4, second.signal);
    setTimeout(() => second.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await expect(source.read(0, 4, second.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('urlFileSet', () => {
  it('opens files below its base and nothing else', async () => {
    handler = serve();
    const files = urlFileSet(`${base}models/a%20b?ignored#x`, fast);
    const source = await files.open('sub/x y.bin');
    expect(source?.name).toBe('sub/x y.bin');
    expect(requests[0]?.url).toBe('/models/a%20b/sub/x%20y.bin');
    for (const path of ['../secret', '/secret', 'a/../../b', 'a//b', './a', 'a\\b', ''])
      expect((await errorOf(files.open(path))).message).toContain('not a path inside');
    expect(requests.length).toBe(1);
  });
});
