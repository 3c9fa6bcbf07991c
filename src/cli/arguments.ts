/** Options of the command-line entries: read strictly, with a message that names the option at fault. */
import { parseArgs } from 'node:util';
import { DataError } from '@/core/errors.ts';
import { EngineError } from '@/engine/api/errors.ts';
import { FormatError } from '@/formats/errors.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { ProgressStream } from './progress-bar.ts';

/** Wrong arguments. An empty message asks for the usage alone. */
export class UsageError extends Error {}

export interface OptionValues {
  /** @throws UsageError when it is missing. */
  required(name: string): string;
  optional(name: string): string | undefined;
  /** Every value of an option that may be given several times; values with commas are split. */
  list(name: string): string[];
  flag(name: string): boolean;
  /** @throws UsageError when it is no number. */
  number(name: string): number | undefined;
  /** @throws UsageError when it is none of `choices`. */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined;
}

export type OptionKind = 'text' | 'list' | 'flag';

/** @throws UsageError for an option that is not known or lacks its value, and for words without an option. */
export function readOptions(argv: readonly string[], kinds: Readonly<Record<string, OptionKind>>): OptionValues {
  const options = Object.fromEntries(
    Object.entries({ ...kinds, help: 'flag' as const }).map(([name, kind]) => [
      name,
      kind === 'flag' ? ({ type: 'boolean' } as const) : ({ type: 'string', multiple: true } as const),
    ]),
  );
  let values: Partial<Record<string, string | boolean | (string | boolean)[]>>;
  try {
    ({ values } = parseArgs({ args: [...argv], options }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (values['help'] === true) throw new UsageError('');
  const all = (name: string): string[] => {
    const value = values[name];
    return (Array.isArray(value) ? value : []).filter((item) => typeof item === 'string');
  };
  const optional = (name: string): string | undefined => {
    const given = all(name);
    if (given.length > 1 && kinds[name] !== 'list') throw new UsageError(`--${name} is given ${given.length} times.`);
    if (given[0]?.trim() === '') throw new UsageError(`--${name} is empty.`);
    return given[0];
  };
  return {
    optional,
    required(name) {
      const value = optional(name);
      if (value === undefined) throw new UsageError(`--${name} is missing.`);
      return value;
    },
    list: (name) => all(name).flatMap((value) => value.split(',').filter((item) => item.trim() !== '')),
    flag: (name) => values[name] === true,
    number(name) {
      const text = optional(name);
      if (text === undefined) return undefined;
      const value = Number(text);
      if (!Number.isFinite(value)) throw new UsageError(`--${name} must be a number, not ${text}.`);
      return value;
    },
    choice(name, choices) {
      const text = optional(name);
      if (text === undefined) return undefined;
      const found = choices.find((choice) => choice === text);
      if (found === undefined) throw new UsageError(`--${name} must be ${choices.join(', ')}, not ${text}.`);
      return found;
    },
  };
}

export const exitFailed = 1;
export const exitUsage = 2;
export const exitInterrupted = 130;

/** Where a command speaks to the person: never its results. */
export interface Terminal {
  readonly stream: ProgressStream;
  readonly log: (message: string) => void;
}

export const standardError: Terminal = {
  stream: process.stderr,
  log: (message) => void process.stderr.write(`${message}\n`),
};

/** Runs a command; every error becomes a message and an exit code, a stack trace only where it is a bug of ours. */
export async function runCommand(command: () => Promise<number>, usage: string, { log }: Terminal): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (error instanceof UsageError) {
      log(error.message === '' ? usage : `${error.message}\n\n${usage}`);
      return error.message === '' ? 0 : exitUsage;
    }
    const aborted = error instanceof Error && error.name === 'AbortError';
    const known =
      error instanceof EngineError ||
      error instanceof FormatError ||
      error instanceof DataError ||
      error instanceof JobError ||
      aborted;
    log(`\n${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return aborted ? exitInterrupted : exitFailed;
  }
}
