/**
 * `npm start`: serves the built site with production headers and prints its address. `PORT` (default 4173; 0 takes any free
 * one) and `HOST` (default 127.0.0.1) are honoured. `--mount /PREFIX/=FOLDER` serves a further folder on the same origin, say
 * a folder of model packages.
 */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createStaticServer } from './static-server.ts';

const defaultPort = 4173;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return defaultPort;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) fail(`PORT must be a number from 0 to 65535, not "${text}".`);
  return port;
}

function readMounts(mounts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    mounts.map((mount) => {
      const [, prefix, folder] = /^(\/.*\/)=(.+)$/.exec(mount) ?? [];
      if (prefix === undefined || folder === undefined) fail(`--mount wants /PREFIX/=FOLDER, not "${mount}".`);
      if (!existsSync(folder) || !statSync(folder).isDirectory())
        fail(`--mount: there is no folder ${resolve(folder)}.`);
      return [prefix, resolve(folder)];
    }),
  );
}

const { values } = parseArgs({ options: { mount: { type: 'string', multiple: true, default: [] } } });
const site = fileURLToPath(new URL('../../dist', import.meta.url));
if (!existsSync(join(site, 'index.html'))) fail(`There is no built site in ${site}: run "npm run build" first.`);
const port = readPort(process.env['PORT']);
const host = process.env['HOST'] ?? '127.0.0.1';

const server = createStaticServer({ '/': site, ...readMounts(values.mount) });
server.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EADDRINUSE')
    fail(`Port ${port} is taken. Stop what uses it, or choose another: PORT=${port + 1} npm start`);
  if (cause.code === 'EACCES') fail(`Port ${port} is not allowed to this user. Choose another: PORT=8080 npm start`);
  fail(`The server could not start: ${cause.message}`);
});
server.listen(port, host, () => {
  const bound = server.address();
  const actualPort = typeof bound === 'object' ? bound?.port : port;
  const name = host.includes(':') ? `[${host}]` : host;
  console.log(`Armoscope is at http://${name === '127.0.0.1' ? 'localhost' : name}:${actualPort}/ (Ctrl+C stops it)`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
