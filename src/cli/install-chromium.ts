/**
 * Makes sure that the browser tests have a Chromium that starts: one that is there; else, as root where there is apt,
 * Debian's package; else Playwright's own download; else a message that names what to do.
 * As a command (`npm run chromium`) it prints the path.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromiumCandidates } from './chromium.ts';

const versionTimeoutMs = 60_000;
/** A slow mirror is no reason to give up; a dead one is. */
const installTimeoutMs = 600_000;

/** The machine as this module sees it; tests put another in its place. */
export interface Machine {
  readonly candidates: () => readonly string[];
  /** Whether the program at this path starts: an Ubuntu stub, or a download without its libraries, does not. */
  readonly starts: (path: string) => boolean;
  readonly isRoot: boolean;
  readonly hasApt: boolean;
  /** Runs a command in sight of the person; whether it succeeded. */
  readonly run: (command: string, args: readonly string[]) => boolean;
}

/** @throws Error that says what was tried and what to do. */
export function ensureChromium(machine: Machine = thisMachine()): string {
  const find = () => machine.candidates().find((path) => machine.starts(path));
  const present = find();
  if (present !== undefined) return present;

  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '')
    throw new Error(`CHROMIUM_PATH is ${named}, and that does not start. Correct it or unset it.`);

  if (machine.isRoot && machine.hasApt) {
    console.log("No Chromium found: installing the distribution's package.");
    if (machine.run('apt-get', ['update']) && machine.run('apt-get', ['install', '-y', 'chromium'])) {
      const installed = find();
      if (installed !== undefined) return installed;
    }
  }
  console.log("No Chromium found: fetching Playwright's own.");
  const withLibraries = machine.isRoot && machine.hasApt ? ['--with-deps'] : [];
  machine.run(process.execPath, [playwrightProgram(), 'install', ...withLibraries, 'chromium']);
  const downloaded = find();
  if (downloaded !== undefined) return downloaded;

  throw new Error(
    [
      'The browser tests need Chromium, and none could be installed here.',
      'Do one of these, then run the command again:',
      '  apt-get install chromium                        (as root, on Debian)',
      '  npx playwright install --with-deps chromium     (as root, elsewhere)',
      '  CHROMIUM_PATH=/path/to/chromium npm test        (one that you have)',
    ].join('\n'),
  );
}

function thisMachine(): Machine {
  const inherit = (command: string, args: readonly string[], timeout: number, quiet: boolean) =>
    spawnSync(command, args, {
      stdio: quiet ? 'ignore' : ['ignore', 'inherit', 'inherit'],
      timeout,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  return {
    candidates: chromiumCandidates,
    starts: (path) => inherit(path, ['--no-sandbox', '--version'], versionTimeoutMs, true),
    isRoot: process.getuid?.() === 0,
    hasApt: existsSync('/usr/bin/apt-get'),
    run: (command, args) => inherit(command, args, installTimeoutMs, false),
  };
}

/** The program of the Playwright that the tests import, so that both agree on the browser's version. */
function playwrightProgram(): string {
  return join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(ensureChromium());
  } catch (cause) {
    console.error(cause instanceof Error ? cause.message : cause);
    process.exitCode = 1;
  }
}
