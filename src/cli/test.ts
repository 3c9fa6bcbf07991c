/**
 * `npm test`: every check and every suite, one after another, the same whoever runs it. The last line is
 * `N passed, N failed` over all of them; the exit code says whether the second number is 0.
 * `npm test -- unit e2e` runs only the suites named.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from './install-chromium.ts';
import { countPlaywright, countVitest, judge, sum, summaryLine, type Count } from './test-report.ts';

/** A suite that hangs is a failure, not a wait. */
const suiteTimeoutMs = 60 * 60_000;

interface Suite {
  readonly name: string;
  /** Program in node_modules/.bin and its arguments, given the file to report to. */
  readonly command: (reportPath: string) => readonly string[];
  /** Reads the report; without it the suite is one check that passes or fails as a whole. */
  readonly count?: (report: unknown) => Count;
  readonly needsChromium?: boolean;
  /** Names the suite without whose success this one means nothing. */
  readonly needs?: string;
}

const vitest = (project: string) => (reportPath: string) => [
  'vitest',
  'run',
  '--project',
  project,
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportPath}`,
];

const suites: readonly Suite[] = [
  { name: 'types', command: () => ['tsc', '--noEmit'] },
  { name: 'lint', command: () => ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: () => ['oxfmt', '--check'] },
  { name: 'unit', command: vitest('unit'), count: countVitest },
  { name: 'gpu', command: vitest('gpu'), count: countVitest, needsChromium: true },
  { name: 'build', command: () => ['vite', 'build', '--logLevel', 'warn'] },
  {
    name: 'e2e',
    command: () => ['playwright', 'test', '--config', 'e2e/playwright.config.ts', '--reporter=list,json'],
    count: countPlaywright,
    needsChromium: true,
    needs: 'build',
  },
];

const root = fileURLToPath(new URL('../..', import.meta.url));
const reports = mkdtempSync(join(tmpdir(), 'armoscope-test-'));
const children = new Set<number>();

/** Runners change their behaviour under these; a run here and a run there must be the same run. */
const { CI: _ci, GITHUB_ACTIONS: _githubActions, NODE_ENV: _nodeEnv, ...environment } = process.env;

/** Runs one program of node_modules/.bin in its own process group, without stdin. @returns its exit code. */
async function runProgram(command: readonly string[], extra: Record<string, string>): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(join(root, 'node_modules/.bin', program), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...environment, ...extra },
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) children.add(pid);
  const timer = setTimeout(() => {
    console.error(`Stopped after ${suiteTimeoutMs / 60_000} minutes.`);
    if (pid !== undefined) stopGroup(pid);
  }, suiteTimeoutMs);
  const exitCode = await new Promise<number>((done) => {
    child.on('error', (cause) => {
      console.error(cause.message);
      done(1);
    });
    child.on('close', (code) => done(code ?? 1));
  });
  clearTimeout(timer);
  if (pid !== undefined) children.delete(pid);
  return exitCode;
}

function stopGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

async function runSuite(suite: Suite, chromiumPath: string | undefined): Promise<Count> {
  const reportPath = join(reports, `${suite.name}.json`);
  const exitCode = await runProgram(suite.command(reportPath), {
    ...(chromiumPath === undefined ? {} : { CHROMIUM_PATH: chromiumPath }),
    PLAYWRIGHT_JSON_OUTPUT_FILE: reportPath,
  });
  if (suite.count === undefined) return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  try {
    return judge(suite.count(JSON.parse(readFileSync(reportPath, 'utf8'))), exitCode);
  } catch (cause) {
    console.error(`${suite.name} left no report: ${cause instanceof Error ? cause.message : String(cause)}`);
    return { passed: 0, failed: 1 };
  }
}

/** A Chromium, or undefined after saying why there is none. */
function tryChromium(): string | undefined {
  try {
    return ensureChromium();
  } catch (cause) {
    console.error(cause instanceof Error ? cause.message : cause);
    return undefined;
  }
}

async function runAll(chosen: readonly Suite[]): Promise<Count> {
  const results = new Map<string, Count>();
  const lines: string[] = [];
  for (const suite of chosen) {
    console.log(`\n=== ${suite.name}`);
    const startedMs = Date.now();
    const chromiumPath = suite.needsChromium === true ? tryChromium() : undefined;
    const missing =
      suite.needsChromium === true && chromiumPath === undefined
        ? 'there is no Chromium'
        : suite.needs !== undefined && (results.get(suite.needs)?.failed ?? 0) > 0
          ? `${suite.needs} failed`
          : undefined;
    if (missing !== undefined) console.error(`Not run: ${missing}.`);
    const count = missing === undefined ? await runSuite(suite, chromiumPath) : { passed: 0, failed: 1 };
    results.set(suite.name, count);
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
    lines.push(`${suite.name.padEnd(8)} ${summaryLine(count)} (${seconds} s)`);
  }
  console.log(`\n=== summary\n${lines.join('\n')}`);
  return sum([...results.values()]);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const pid of children) stopGroup(pid);
    rmSync(reports, { recursive: true, force: true });
    process.exit(1);
  });
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are ${suites.map((suite) => suite.name).join(', ')}.`);
  process.exit(1);
}
const wanted = new Set(names.length === 0 ? suites.map((suite) => suite.name) : names);
for (const suite of suites) if (suite.needs !== undefined && wanted.has(suite.name)) wanted.add(suite.needs);
const total = await runAll(suites.filter((suite) => wanted.has(suite.name)));
rmSync(reports, { recursive: true, force: true });
process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`\n${summaryLine(total)}`);
