/** Bad input to the commands, as processes: each refused by name, with an exit code, without a stack trace. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badCheckpoints, writeBadCheckpoint } from './fixtures/bad-checkpoints.ts';
import { badPackages, writeBadPackage } from './fixtures/bad-packages.ts';
import { goldenPackage } from './golden-packages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'armoscope-bad-'));
let good = '';

beforeAll(async () => {
  good = await goldenPackage('armorm-tiny-smollm');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly exitCode: number | null;
  readonly output: string;
}

async function run(entry: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(join(root, 'node_modules/.bin/tsx'), [join(root, 'src/cli', entry), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return await new Promise((done) => child.on('close', (exitCode) => done({ exitCode, output })));
}

function expectRefusal({ exitCode, output }: Outcome, says: readonly RegExp[]): void {
  expect(exitCode, output).not.toBe(0);
  for (const words of says) expect(output).toMatch(words);
  expect(output).not.toMatch(/^\s+at .*:\d+:\d+/m);
}

/** @returns arguments of `score` for some lines, and where the answers go. */
function scoreArguments(name: string, model: string, lines: readonly object[]): { args: string[]; output: string } {
  const home = join(folder, `score-${name}`);
  mkdirSync(home);
  writeFileSync(join(home, 'in.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const output = join(home, 'out.jsonl');
  return { args: ['--model', model, '--input', join(home, 'in.jsonl'), '--output', output, '--threads', '1'], output };
}

describe('convert', () => {
  test.each(badCheckpoints)('refuses a checkpoint: $name', async (bad) => {
    const source = join(folder, `checkpoint-${bad.name}`);
    const out = join(folder, `out-${bad.name}`);
    await writeBadCheckpoint(bad, source);
    expectRefusal(await run('convert.ts', [source, '--out', out, '--dtype', 'f32']), bad.says);
    let left: string[] = [];
    try {
      left = readdirSync(out);
    } catch {
      // Nothing was begun.
    }
    expect(left, 'no half package stays behind').toEqual([]);
  });
});

describe('score', () => {
  test.each(badPackages)('refuses a package: $name', async (bad) => {
    const model = join(folder, `package-${bad.name}`);
    await writeBadPackage(bad, good, model);
    const { args } = scoreArguments(bad.name, model, [{ prompt: 'Name a colour.', response: 'Blue.' }]);
    expectRefusal(await run('score.ts', args), bad.says);
  });

  test('reports a response beyond the context by its line, and scores the rest', async () => {
    const lines = [
      { prompt: 'Name a colour.', response: 'Blue.' },
      { prompt: 'Name a colour.', response: 'word '.repeat(20_000) },
      { prompt: 'Name a colour.', response: 'Red.' },
    ];
    const { args, output } = scoreArguments('long', good, lines);
    const outcome = await run('score.ts', args);
    expectRefusal(outcome, [/line 2/i, /\d{4,} tokens/]);
    const answers = readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers.map((answer) => typeof answer['score'])).toEqual(['number', 'undefined', 'number']);
    expect(answers[1]?.['error']).toMatch(/\d{4,} tokens/);
  });

  test('says which file is not there', async () => {
    const { args } = scoreArguments('nowhere', good, []);
    expectRefusal(await run('score.ts', [...args, '--input', 'no-such-file.jsonl']), [/no-such-file\.jsonl/]);
    expectRefusal(await run('score.ts', ['--model', good]), [/--input is missing/]);
  });
});
