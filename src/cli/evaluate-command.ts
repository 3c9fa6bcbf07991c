/**
 * `npm run evaluate -- --model DIR --input FILE --report OUT.json [options]`: the tables of Evaluate and Debias from a dataset of any
 * layout, or from a scored file.
 *
 * Exit codes: 0 every record was used; 1 the run failed; 2 the arguments are wrong; 3 it finished, but some records were not
 * used; 130 interrupted (the same command goes on from there).
 */
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Provider } from '@/engine/api/messages.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import type { ColumnMapping } from '@/formats/datasets/column-mapping.ts';
import { openHttpSource } from '@/formats/http-source.ts';
import { isJsonObject } from '@/formats/json-file.ts';
import { rejectedAsJsonLines, type RejectedRow } from '@/formats/rejected-rows.ts';
import { writeScoredSet, type ScoredFormat } from '@/formats/scored-set.ts';
import type { ScoredSet } from '@/core/scored-set.ts';
import { exitInterrupted, readOptions, runCommand, UsageError, type OptionValues, type Terminal } from './arguments.ts';
import { diskSource } from './disk-files.ts';
import { evaluateFile, penaltyChoices, reportOf } from './evaluate-run.ts';
import { summarise } from './evaluation-summary.ts';
import { writeWhole } from './train-run.ts';

const usage = `Evaluates a reward model on a dataset, or explores a scored file without a model.

  npm run evaluate -- --model DIR --input FILE --report OUT.json [options]

  --input FILE        a dataset (JSONL, JSON, CSV or Parquet; RewardBench, RM-Bench, HH-RLHF, UltraFeedback, HelpSteer, OpenAI
                      messages and plain pairs are recognised), or a scored file: what \`npm run score\` wrote, or --export.
                      A path or a URL
  --model DIR         the package to score with, or its URL; for a scored file it may be left out, and names the objectives if
                      it is there
  --report OUT.json   every table and figure as JSON

  --limit N           only the first N items
  --subset NAME       only this subset; may be given several times, or separated by commas
  --penalties P       scores under: paper (the model's own transform, default), none (M = I), exact (Eq 3 solved on this very
                      set, each objective's correlation with verbosity taken to zero)
  --mapping JSON      for an unknown layout: which column holds what, e.g.
                      '{"shape":"pair","prompt":"Question","chosen":"Good","rejected":"Bad"}'; shapes: pair, transcripts,
                      styles, response, responses, conversation, preference
  --export FILE       scores, rewards and gate weights of every response: .parquet, .jsonl or .csv
  --rejected FILE     the records that could not be used, as JSON lines
  --results DIR       where results are kept by batch, so that a stopped run goes on and no text is scored twice
                      (default: OUT.json.results)
  --resamples N       bootstrap resamples of the correlations (default: 200; 0: no intervals)
  --provider NAME     native (default), wasm, or native-webgpu
  --threads N         threads inside one operator (default: one per core, or ARMOSCOPE_THREADS)
`;

const exitRejected = 3;
const shapes = ['pair', 'transcripts', 'styles', 'response', 'responses', 'conversation', 'preference'];

async function openInput(input: string): Promise<ByteSource> {
  const source = /^https?:/.test(input)
    ? await openHttpSource(input, input.split('/').at(-1) ?? input)
    : await diskSource(input);
  if (source === undefined) throw new UsageError(`--input: there is no file ${input}.`);
  return source;
}

function readMapping(text: string | undefined): ColumnMapping | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`--mapping is not valid JSON: ${text}.`);
  }
  if (!isJsonObject(value) || !shapes.includes(String(value['shape'])))
    throw new UsageError(`--mapping must be an object whose "shape" is ${shapes.join(', ')}.`);
  const odd = Object.entries(value).find(([, column]) => typeof column !== 'string');
  if (odd !== undefined) throw new UsageError(`--mapping: "${odd[0]}" must be the name of a column.`);
  const shape = shapes.find((name): name is ColumnMapping['shape'] => name === value['shape']);
  if (shape === undefined) throw new UsageError('--mapping has no shape.');
  return { ...value, shape };
}

function exportFormat(path: string | undefined): ScoredFormat | undefined {
  if (path === undefined) return undefined;
  const format = (['parquet', 'jsonl', 'csv'] as const).find((name) => path.endsWith(`.${name}`));
  if (format === undefined) throw new UsageError(`--export must end with .parquet, .jsonl or .csv, not ${path}.`);
  return format;
}

function wholeNumber(values: OptionValues, name: string, least: number): number | undefined {
  const value = values.number(name);
  if (value !== undefined && !(Number.isInteger(value) && value >= least))
    throw new UsageError(`--${name} must be a whole number of at least ${least}, not ${value}.`);
  return value;
}

async function writePieces(path: string, pieces: Iterable<Uint8Array<ArrayBuffer>>): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const piece of pieces) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

function exportTo(path: string, set: ScoredSet, format: ScoredFormat): Promise<void> {
  return writePieces(path, writeScoredSet(set, format));
}

function* encoded(lines: Iterable<string>): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  for (const line of lines) yield encoder.encode(line);
}

function listRejected(rejected: readonly RejectedRow[], { log }: Terminal): void {
  if (rejected.length === 0) return;
  log(`${rejected.length} records were not used:`);
  for (const { row, field, reason } of rejected.slice(0, 10))
    log(`  row ${row}${field === '' ? '' : `, ${field}`}: ${reason}`);
  if (rejected.length > 10) log(`  and ${rejected.length - 10} more; --rejected FILE writes them all.`);
}

async function run(argv: readonly string[], terminal: Terminal, print: (text: string) => void): Promise<number> {
  const text = ['model', 'input', 'report', 'limit', 'penalties', 'mapping', 'export', 'rejected', 'results'] as const;
  const values = readOptions(argv, {
    subset: 'list',
    ...Object.fromEntries([...text, 'resamples', 'provider', 'threads'].map((name) => [name, 'text' as const])),
  });
  const reportPath = values.required('report');
  const input = values.required('input');
  const exportPath = values.optional('export');
  const format = exportFormat(exportPath);
  for (const path of [reportPath, exportPath, values.optional('rejected')])
    if (path !== undefined && (await stat(dirname(path)).catch(() => undefined))?.isDirectory() !== true)
      throw new UsageError(`There is no folder ${dirname(path)} to write ${path} to.`);
  const provider = values.choice<Provider>('provider', ['native', 'wasm', 'native-webgpu']);
  const threads = wholeNumber(values, 'threads', 1);
  const limit = wholeNumber(values, 'limit', 1);
  const subsets = values.list('subset');
  const mapping = readMapping(values.optional('mapping'));
  const penalties = values.choice('penalties', penaltyChoices) ?? 'paper';
  const resamples = wholeNumber(values, 'resamples', 0) ?? 200;
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new DOMException('Interrupted.', 'AbortError'));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const evaluated = await evaluateFile({
      source: await openInput(input),
      model: values.optional('model'),
      resultsFolder: values.optional('results') ?? `${reportPath}.results`,
      limit,
      subsets: subsets.length === 0 ? undefined : subsets,
      mapping,
      provider,
      threads,
      signal: interrupt.signal,
      terminal,
    });
    const report = reportOf(evaluated, { input, penalties, resamples });
    // NaN, a statistic that does not exist, is null in JSON.
    await writeWhole(reportPath, new TextEncoder().encode(`${JSON.stringify(report, plain, 1)}\n`));
    if (exportPath !== undefined && format !== undefined) await exportTo(exportPath, evaluated.set, format);
    const rejectedPath = values.optional('rejected');
    if (rejectedPath !== undefined) await writePieces(rejectedPath, encoded(rejectedAsJsonLines(evaluated.rejected)));
    print(summarise(report));
    listRejected(evaluated.rejected, terminal);
    return evaluated.rejected.length === 0 ? 0 : exitRejected;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    terminal.log('\nInterrupted. The same command goes on from here.');
    return exitInterrupted;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Typed arrays as arrays. */
function plain(_key: string, value: unknown): unknown {
  return value instanceof Float64Array || value instanceof Int32Array ? Array.from(value) : value;
}

/** The command. `print` takes the summary, which is the command's result. @returns its exit code. */
export function evaluateCommand(
  argv: readonly string[],
  terminal: Terminal,
  print: (text: string) => void,
): Promise<number> {
  return runCommand(() => run(argv, terminal, print), usage, terminal);
}
