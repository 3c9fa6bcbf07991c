/**
 * Serves a folder the way the site is meant to be hosted: production security headers on every answer (errors too), exact
 * MIME types, byte ranges with If-Range, revalidation, gzip for text. Files come from `send`, which also keeps a request
 * from leaving the folder.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname } from 'node:path';
import compression from 'compression';
import send from 'send';
import { securityHeaders } from './security-headers.ts';

/** Binary files of a model package, which MIME databases do not know. */
const octetStream = 'application/octet-stream';
const contentTypes: Readonly<Record<string, string>> = {
  '.onnx': octetStream,
  '.safetensors': octetStream,
  '.data': octetStream,
};

/** Text shrinks; weights and wasm do not enough to be worth the wait, and a model's progress bar needs Content-Length. */
const compressible = new Set(['.html', '.css', '.js', '.mjs', '.svg', '.map']);

/** URL prefix → folder. The longest matching prefix wins; `/` is the site. */
export type Mounts = Readonly<Record<string, string>>;

/** @returns a server that is not listening yet. */
export function createStaticServer(mounts: Mounts): Server {
  const headers = Object.entries(securityHeaders('production'));
  const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length);
  // Its types are written for Express; at run time it needs only Node's own request and response.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const compress = compression({ filter: (request) => compressible.has(fileExtension(request)) }) as unknown as (
    request: IncomingMessage,
    response: ServerResponse,
    next: () => void,
  ) => void;

  return createServer((request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return answer(response, 405, 'Only GET and HEAD are served.');
    }
    const path = pathOf(request);
    const prefix = prefixes.find((candidate) => path.startsWith(candidate));
    const root = prefix === undefined ? undefined : mounts[prefix];
    if (prefix === undefined || root === undefined) return answer(response, 404, 'Not found.');
    const inside = `/${path.slice(prefix.length)}`;
    compress(request, response, () => sendFile(request, response, inside, root));
  });
}

function sendFile(request: IncomingMessage, response: ServerResponse, path: string, root: string): void {
  // Vite names files under assets/ by their content: they never change. All else is revalidated by ETag.
  const immutable = path.startsWith('/assets/');
  response.setHeader('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  send(request, path, { root, index: 'index.html', dotfiles: 'ignore', cacheControl: false })
    .on('headers', (target: ServerResponse) => {
      const contentType = contentTypes[fileExtension(request)];
      if (contentType !== undefined) target.setHeader('Content-Type', contentType);
    })
    .on('directory', () => answer(response, 404, 'Not found.'))
    .on('error', (cause: { status?: number; headers?: Record<string, string> }) => {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const status = cause.status ?? 500;
      for (const [name, value] of Object.entries(cause.headers ?? {})) response.setHeader(name, value);
      answer(response, status, status === 416 ? 'The range lies outside the file.' : 'Not found.');
    })
    .pipe(response);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?')[0] ?? '/';
}

/** Lower-case extension of what a request answers with; a folder answers with its index.html. */
function fileExtension(request: IncomingMessage): string {
  const path = pathOf(request);
  return path.endsWith('/') ? '.html' : extname(path).toLowerCase();
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${text}\n`);
}
