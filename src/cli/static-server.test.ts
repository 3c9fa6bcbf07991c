/** The server over real sockets: what a browser and a resumable download rely on. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStaticServer } from './static-server.ts';

const weights = randomBytes(100_000);
const script = 'export const answer = 42;\n'.repeat(200);
let folder = '';
let server: Server;
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armoscope-serve-'));
  mkdirSync(join(folder, 'site/assets'), { recursive: true });
  mkdirSync(join(folder, 'site-secret'));
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'site-secret/secret.txt'), 'secret');
  writeFileSync(join(folder, 'site/.env'), 'secret');
  writeFileSync(join(folder, 'site/index.html'), '<!doctype html><title>t</title>');
  for (const name of ['a.js', 'a.mjs', 'a.wasm', 'a.json', 'a.onnx', 'a.safetensors', 'a.data', 'a.css'])
    writeFileSync(join(folder, 'site/assets', name), script);
  writeFileSync(join(folder, 'models/w.data'), weights);
  server = createStaticServer({ '/': join(folder, 'site'), '/models/': join(folder, 'models') });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const bound = server.address();
  port = typeof bound === 'object' && bound !== null ? bound.port : 0;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** node:http sends the path as it is; `fetch` would resolve `..` before asking. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return await new Promise((done, failed) => {
    request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    })
      .on('error', failed)
      .end();
  });
}

test('every answer carries the security headers, errors too', async () => {
  const answers = [await ask('/'), await ask('/assets/a.js'), await ask('/nowhere'), await ask('/', {}, 'POST')];
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 404, 405]);
  for (const { headers } of answers) {
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).not.toContain('unsafe-inline');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
  }
});

test.each([
  ['/', 'text/html; charset=utf-8'],
  ['/assets/a.js', 'text/javascript; charset=utf-8'],
  ['/assets/a.mjs', 'text/javascript; charset=utf-8'],
  ['/assets/a.css', 'text/css; charset=utf-8'],
  ['/assets/a.wasm', 'application/wasm'],
  ['/assets/a.json', 'application/json; charset=utf-8'],
  ['/assets/a.onnx', 'application/octet-stream'],
  ['/assets/a.safetensors', 'application/octet-stream'],
  ['/assets/a.data', 'application/octet-stream'],
])('%s is %s', async (path, type) => {
  expect((await ask(path)).headers['content-type']).toBe(type);
});

test('byte ranges: first byte, middle, open end, suffix, whole', async () => {
  const cases: [string, number, number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=10-99', 10, 100],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=-5', 99_995, 100_000],
    ['bytes=50000-999999', 50_000, 100_000],
  ];
  for (const [range, start, end] of cases) {
    const { status, headers, body } = await ask('/models/w.data', { range });
    expect([range, status, headers['content-range']]).toEqual([range, 206, `bytes ${start}-${end - 1}/100000`]);
    expect(headers['content-length']).toBe(String(end - start));
    expect(body.equals(weights.subarray(start, end)), range).toBe(true);
  }
  const whole = await ask('/models/w.data');
  expect([whole.status, whole.headers['accept-ranges'], whole.body.equals(weights)]).toEqual([200, 'bytes', true]);
  const outside = await ask('/models/w.data', { range: 'bytes=200000-' });
  expect([outside.status, outside.headers['content-range']]).toEqual([416, 'bytes */100000']);
});

test('If-Range: the same file resumes, a changed one starts again; If-None-Match answers 304', async () => {
  const { etag = '' } = (await ask('/models/w.data')).headers;
  expect(etag).not.toBe('');
  expect((await ask('/models/w.data', { range: 'bytes=5-9', 'if-range': etag })).status).toBe(206);
  expect((await ask('/models/w.data', { range: 'bytes=5-9', 'if-range': '"another"' })).status).toBe(200);
  expect((await ask('/models/w.data', { 'if-none-match': etag })).status).toBe(304);
});

test('hashed assets are immutable, all else is revalidated', async () => {
  expect((await ask('/assets/a.js')).headers['cache-control']).toContain('immutable');
  expect((await ask('/')).headers['cache-control']).toBe('no-cache');
  expect((await ask('/models/w.data')).headers['cache-control']).toBe('no-cache');
});

test('text is compressed when asked for; weights keep their length', async () => {
  const asking = { 'accept-encoding': 'gzip' };
  const text = await ask('/assets/a.js', asking);
  expect(text.headers['content-encoding']).toBe('gzip');
  expect(text.body.length).toBeLessThan(script.length / 2);
  const binary = await ask('/assets/a.data', asking);
  expect([binary.headers['content-encoding'], binary.headers['content-length']]).toEqual([
    undefined,
    String(script.length),
  ]);
});

test.each([
  '/../secret.txt',
  '/../site-secret/secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/models/../../secret.txt',
  '/models/%2e%2e/secret.txt',
  '/..\\secret.txt',
  '/.env',
  '/%00',
  '/%',
  '//etc/passwd',
  '/assets',
  '/assets/',
])('%s stays outside', async (path) => {
  const { status, body } = await ask(path);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(body.toString()).not.toContain('secret');
});
