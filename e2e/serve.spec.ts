/** `npm start`'s server as a process: its address, PORT, and what it says when it cannot start. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
}

function serve(port: string, ...args: string[]): Run {
  const child = spawn('node_modules/.bin/tsx', ['src/cli/serve.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text };
}

async function freePort(): Promise<number> {
  return await new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

async function exitCode({ child }: Run): Promise<number | null> {
  return child.exitCode ?? (await new Promise((done) => child.on('exit', (code) => done(code))));
}

test('honours PORT, prints its address, says when the port is taken, and stops when told', async () => {
  const port = await freePort();
  const first = serve(String(port));
  await expect.poll(first.output, { timeout: 30_000 }).toContain(`http://localhost:${port}/`);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('<title>Armoscope</title>');

  const second = serve(String(port));
  expect(await exitCode(second)).toBe(1);
  expect(second.output()).toContain(`Port ${port} is taken`);
  expect(second.output()).not.toContain('    at ');

  first.child.kill('SIGTERM');
  expect(await exitCode(first)).toBe(0);
});

test('refuses a PORT that is none and a mount that leads nowhere', async () => {
  const badPort = serve('http');
  expect(await exitCode(badPort)).toBe(1);
  expect(badPort.output()).toContain('PORT must be a number from 0 to 65535, not "http"');
  const badMount = serve('0', '--mount', '/models/=no-such-folder');
  expect(await exitCode(badMount)).toBe(1);
  expect(badMount.output()).toContain('there is no folder');
});
