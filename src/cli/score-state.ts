/**
 * What makes `npm run score` resumable: beside OUTPUT lies `OUTPUT.state.json`, which says how far it got, with which model,
 * and the hash of the input lines that were done. A run goes on only where all of that still holds.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';

export interface ScoreState {
  readonly version: 1;
  readonly modelId: string;
  readonly provider: string;
  /** Input lines answered so far, blank ones not counted. */
  readonly lines: number;
  /** Chained hash of those lines. */
  readonly inputHash: string;
  readonly outputBytes: number;
  /** Which of them could not be scored, from 0. */
  readonly bad: readonly number[];
  /** Feature file being written, and rows in its partial file. */
  readonly features?: { readonly path: string; readonly kind: 'responses' | 'pairs'; readonly rows: number };
}

export const emptyInputHash = '';

/** Chains one more line onto the hash of the lines before it. */
export function chainHash(hash: string, line: string): string {
  return createHash('sha256').update(hash).update('\n').update(line).digest('hex');
}

export function statePath(output: string): string {
  return `${output}.state.json`;
}

/** @returns `undefined` when there is none or it cannot be understood. */
export async function readState(output: string): Promise<ScoreState | undefined> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(statePath(output), 'utf8'));
  } catch {
    return undefined;
  }
  return isState(parsed) ? parsed : undefined;
}

/** Written beside and renamed, so that a kill leaves the old state or the new one. */
export async function writeState(output: string, state: ScoreState): Promise<void> {
  const path = statePath(output);
  await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`);
  await rename(`${path}.new`, path);
}

/**
 * Cuts OUTPUT after its last line that is complete and that `state` vouches for.
 * @returns lines and bytes kept.
 */
export async function keepVouchedLines(output: string, state: ScoreState): Promise<{ lines: number; bytes: number }> {
  const size = await stat(output).then(
    (found) => found.size,
    () => 0,
  );
  const limit = Math.min(size, state.outputBytes);
  let lines = 0;
  let bytes = 0;
  if (limit > 0) {
    const handle = await open(output, 'r');
    try {
      const chunk = new Uint8Array(1024 * 1024);
      for (let at = 0; at < limit;) {
        const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, limit - at), at);
        if (bytesRead === 0) break;
        for (let i = chunk.indexOf(0x0a); i >= 0 && i < bytesRead; i = chunk.indexOf(0x0a, i + 1)) {
          lines += 1;
          bytes = at + i + 1;
        }
        at += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }
  if (size > bytes) await truncate(output, bytes);
  return { lines: Math.min(lines, state.lines), bytes };
}

function isState(value: unknown): value is ScoreState {
  if (typeof value !== 'object' || value === null) return false;
  const { version, modelId, provider, lines, inputHash, outputBytes, bad } = value as Partial<
    Record<keyof ScoreState, unknown>
  >;
  return (
    version === 1 &&
    typeof modelId === 'string' &&
    typeof provider === 'string' &&
    Number.isInteger(lines) &&
    typeof inputHash === 'string' &&
    Number.isInteger(outputBytes) &&
    Array.isArray(bad)
  );
}
