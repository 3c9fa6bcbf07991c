/**
 * `npm run score -- --model DIR --input FILE.jsonl --output FILE.jsonl [--features OUT.safetensors] [--provider NAME] [--stream] [--threads N]`
 *
 * Exit codes: 0 every line was scored; 1 the run failed; 2 the arguments are wrong; 3 it finished, but some lines are bad;
 * 130 interrupted (the same command goes on from there).
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError } from '@/engine/api/errors.ts';
import type { EngineProgress, LoadedModel, ModelSource, Provider } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { FormatError } from '@/formats/errors.ts';
import { diskSource } from './disk-files.ts';
import { createCliEngine } from './node-engine.ts';
import { ProgressBar } from './progress-bar.ts';
import { scoreFile } from './score-file.ts';

const usage = `Scores conversations with a converted reward model.

  npm run score -- --model DIR --input FILE.jsonl --output FILE.jsonl [options]

  --model DIR         a package written by \`npm run convert\`, or its URL
  --input FILE        one JSON object a line: {"prompt","response"}, {"messages":[…]} (the last is the assistant's)
                      or {"prompt"|"messages","chosen","rejected"}; other fields are kept
  --output FILE       one line per input line, in order; a line that cannot be scored becomes {"line","error"} in its place.
                      FILE.state.json beside it lets the same command go on where it was stopped
  --features FILE     also write the hidden states: stage 1 {embeddings, labels} for responses (labels from fields named like
                      the objectives, or from a field "labels"), stage 2 {embeddings, prompt_embeddings} for pairs
  --provider NAME     native (default), wasm, or native-webgpu
  --stream            one stage of the model in memory at a time: the same scores, loaded once for 32 prompts
  --threads N         threads inside one operator (default: one per core, or ARMOSCOPE_THREADS)
  --chunk N           tokens per run of the backbone (default: 2048)
`;

const exitFailed = 1;
const exitUsage = 2;
const exitBadLines = 3;
const exitInterrupted = 130;

class UsageError extends Error {}

interface Arguments {
  readonly model: ModelSource;
  readonly input: string;
  readonly output: string;
  readonly features: string | undefined;
  readonly provider: Provider | undefined;
  readonly stream: boolean;
  readonly threads: number | undefined;
  readonly chunkTokens: number | undefined;
}

function readArguments(argv: readonly string[]): Arguments {
  const string = { type: 'string' } as const;
  let values: Partial<Record<string, string | boolean>>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        model: string,
        input: string,
        output: string,
        features: string,
        provider: string,
        stream: { type: 'boolean' },
        threads: string,
        chunk: string,
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (values['help'] === true) throw new UsageError('');
  const required = (name: string): string => {
    const value = values[name];
    if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} is missing.`);
    return value;
  };
  const optional = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const model = required('model');
  const features = optional('features');
  return {
    model: /^https?:/.test(model) ? { kind: 'url', url: model } : { kind: 'directory', path: model },
    input: required('input'),
    output: required('output'),
    // Absolute, so that a run from another folder finds what it had begun.
    features: features === undefined ? undefined : resolve(features),
    provider: providerNamed(optional('provider')),
    stream: values['stream'] === true,
    threads: positive('--threads', optional('threads')),
    chunkTokens: positive('--chunk', optional('chunk')),
  };
}

function providerNamed(name: string | undefined): Provider | undefined {
  if (name === undefined || name === 'native' || name === 'wasm' || name === 'native-webgpu') return name;
  throw new UsageError(`--provider must be native, wasm or native-webgpu, not ${name}.`);
}

function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${option} must be a positive whole number, not ${text}.`);
  return value;
}

const log = (message: string): void => void process.stderr.write(`${message}\n`);

async function load(
  engine: RewardEngine,
  { model, provider, stream }: Arguments,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const bar = new ProgressBar(process.stderr);
  const onProgress = (progress: EngineProgress): void => {
    if (progress.stage !== 'download') return;
    const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
    bar.update({
      done: megabytes(progress.loadedBytes),
      total: megabytes(progress.totalBytes),
      unit: 'MB',
      note: progress.file,
    });
  };
  const loaded = await engine.load(model, {
    signal,
    onProgress,
    ...(provider === undefined ? {} : { provider }),
    ...(stream ? { stages: 'streamed' as const } : {}),
  });
  if (loaded.memory.mode === 'streamed') log(`\nStage by stage. ${loaded.memory.reason}`);
  const { manifest, worstError, elapsedMs, proofs } = loaded;
  for (const proof of proofs) {
    if (proof.outcome !== 'passed') log(`\n${proof.provider} ${proof.outcome}: ${proof.reason ?? ''}`);
  }
  log(
    `\n${manifest.name} on ${loaded.provider}, proven on ${manifest.canaries.length} canaries ` +
      `(worst error ${worstError.toExponential(1)}), loaded in ${(elapsedMs / 1000).toFixed(1)} s`,
  );
  return loaded;
}

async function main(argv: readonly string[]): Promise<number> {
  const parsed = readArguments(argv);
  const input = await diskSource(parsed.input);
  if (input === undefined) throw new UsageError(`--input: there is no file ${parsed.input}.`);
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new DOMException('Interrupted.', 'AbortError'));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const { threads, chunkTokens, features } = parsed;
  const engine = createCliEngine({
    ...(threads === undefined ? {} : { threads }),
    ...(chunkTokens === undefined ? {} : { chunkTokens }),
  });
  try {
    const model = await load(engine, parsed, interrupt.signal);
    let bar = new ProgressBar(process.stderr);
    const startedAt = performance.now();
    const result = await scoreFile({
      engine,
      model,
      input,
      outputPath: parsed.output,
      ...(features === undefined ? {} : { featuresPath: features }),
      signal: interrupt.signal,
      onStart(alreadyDone, total) {
        if (alreadyDone > 0) log(`Going on after line ${alreadyDone} of ${total}.`);
        bar = new ProgressBar(process.stderr, alreadyDone);
      },
      onProgress: (state) => bar.update(state),
      log: (message) => log(process.stderr.isTTY ? `\n${message}` : message),
    });
    bar.finish({ done: result.lines, total: result.lines, unit: 'lines' });
    const seconds = (performance.now() - startedAt) / 1000;
    log(
      `${result.lines - result.resumedLines} lines in ${seconds.toFixed(1)} s, ${result.computedTokens} tokens ` +
        `(${(result.computedTokens / seconds).toFixed(0)} a second)` +
        (result.badLines === 0 ? '.' : `; ${result.badLines} could not be scored.`),
    );
    return result.badLines === 0 ? 0 : exitBadLines;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    log('\nInterrupted. The same command goes on from here.');
    return exitInterrupted;
  } finally {
    await engine.dispose();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    log(error.message === '' ? usage : `${error.message}\n\n${usage}`);
    process.exitCode = error.message === '' ? 0 : exitUsage;
  } else {
    const known = error instanceof EngineError || error instanceof FormatError;
    log(`\n${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = exitFailed;
  }
}
