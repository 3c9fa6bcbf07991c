/**
 * `npm run convert -- SOURCE --out DIR`: a Hugging Face checkpoint, in a folder or on the hub, into a model package.
 */
import { readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { ConversionState, ConvertOptions, ConvertProgress } from '@/convert/conversion.ts';
import { filesOfState } from '@/convert/conversion-state.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import type { Dtype } from '@/convert/linear-encoder.ts';
import { parseObjectives } from '@/convert/objectives.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { DEFAULT_HUB, hubFileSet, type HubOptions, parseHubId, urlFileSet, urlName } from '@/formats/hub-source.ts';
import {
  conversionIdentity,
  openGgufSource,
  type OpenedCheckpoint,
  withAdapter,
  withHeads,
} from '@/jobs/conversion/opened-checkpoint.ts';
import { describeConversion } from './conversion-report.ts';
import { createConvertTools } from './convert-tools.ts';
import { diskChunks } from './disk-chunks.ts';
import { diskConversionState } from './disk-conversion-state.ts';
import { diskFileSet, diskSource } from './disk-files.ts';
import { folderPackageSink, type OpenFile } from './node-files.ts';
import { ProgressBar, type ProgressStream } from './progress-bar.ts';

const HELP = `Converts a reward model in Hugging Face layout into a model package.

  npm run convert -- SOURCE --out DIR [options]

  SOURCE                 folder with config.json, *.safetensors and tokenizer files, the address of one, a hub id
                         owner/name[@revision], or a Llama's .gguf file (Q4_0, Q4_1, Q8_0, F16, BF16, F32) with --heads
  --out DIR              where the package is written
  --dtype TYPE           q4 (default), q8, f16 or f32: how the linear layers are stored
  --uniform              with q4: 4 bits for every matrix (default: 8 bits for v_proj, which is small and matters most to scores)
  --layers-per-stage N   decoder layers in one file (default 4)
  --max-layers N         keep only the first N layers
  --heads FILE           safetensors with the reward heads, for a source that has none: ArmoRM's regression_layer.weight,
                         gating.*, reward_transform_matrix
  --tokenizer DIR        where tokenizer.json and tokenizer_config.json of a .gguf file are (default: beside it), with
                         chat_template.jinja where the template is not in the latter
  --adapter SOURCE       a LoRA adapter as PEFT saves it, a folder, an address or a hub id, merged in f32 while the weights
                         stream by
  --objectives FILE      JSON array with the objectives' names, or with their whole manifest entries
  --name TEXT            name of the package (default: the folder's or the model's)
  --licence TEXT         SPDX identifier or a sentence (default: the model card's)
  --hub URL              another hub with the same layout (default: HF_ENDPOINT, else https://huggingface.co)
  --verify               measure the score error of the package against f32 on more texts
  --help                 this text

A download lies in DIR/.download until the package is whole. After an interruption or on a full disk DIR says that it is
incomplete, and the same command finishes it: it goes on after the last whole stage, once every byte that was written is
verified, and nothing that had arrived is downloaded twice.
HF_TOKEN is sent to the hub for models that ask for one.

Exit codes: 0 converted, 1 refused or failed, 2 wrong arguments, 130 interrupted.`;

const DTYPES: readonly Dtype[] = ['q4', 'q8', 'f16', 'f32'];

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

export interface ConvertStreams {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  readonly progress: ProgressStream;
}

/** What tests replace: the chunks' length and the patience of downloads, and how files are opened for writing. */
export interface ConvertSeams {
  readonly hub?: Pick<HubOptions, 'chunkBytes' | 'http'>;
  readonly openFile?: OpenFile;
}

class UsageError extends Error {}

interface Arguments {
  readonly source: string;
  readonly out: string;
  readonly hub: string;
  readonly objectivesFile: string | undefined;
  readonly headsFile: string | undefined;
  readonly tokenizerFolder: string | undefined;
  readonly adapter: string | undefined;
  readonly options: Omit<ConvertOptions, 'name' | 'source'> & { readonly name?: string };
}

/** The whole command. @returns its exit code. */
export async function runConvert(
  argv: readonly string[],
  streams: ConvertStreams,
  signal: AbortSignal,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  seams: ConvertSeams = {},
): Promise<number> {
  try {
    const parsed = readArguments(argv, environment);
    if (parsed === undefined) streams.print(HELP);
    else await convert(parsed, streams, signal, environment, seams);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      streams.printError('Interrupted. The same command goes on with it.');
      return EXIT_INTERRUPTED;
    }
    streams.printError(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function convert(
  parsed: Arguments,
  streams: ConvertStreams,
  signal: AbortSignal,
  environment: Readonly<Record<string, string | undefined>>,
  seams: ConvertSeams,
): Promise<void> {
  const startedAt = performance.now();
  const { out, objectivesFile, options } = parsed;
  const download = join(out, '.download');
  const checkpoint = await openAll(parsed, download, environment, seams, signal);
  const objectives = objectivesFile === undefined ? undefined : await readObjectives(objectivesFile);
  const sink = folderPackageSink(out, seams.openFile);
  const state = diskConversionState(out, await conversionIdentity(checkpoint, options, signal));
  const resume = await state.read(signal);
  if (resume !== undefined) {
    sink.adopt(filesOfState(resume).map(({ file }) => file));
    streams.print(`Goes on with ${out}: ${layersDone(resume)} layers are there, and every byte is as it was written.`);
  }
  const tools = await createConvertTools();
  const bar = new ProgressBar(streams.progress, megabytes(resume?.doneBytes ?? 0));
  let last: ConvertProgress | undefined;
  try {
    const report = await convertCheckpoint(
      checkpoint.files,
      sink,
      {
        ...checkpoint.options,
        ...options,
        name: options.name ?? checkpoint.name,
        source: checkpoint.source,
        ...(objectives === undefined ? {} : { objectives }),
      },
      tools,
      {
        signal,
        ...(resume === undefined ? {} : { resume }),
        onState: (reached) => state.write(reached),
        onProgress(progress) {
          // The bar counts bytes; the proof at the end is short and has its own line.
          if (progress.stage === 'prove' && last?.stage === 'convert') finishBar(bar, last);
          last = progress;
          if (progress.stage === 'convert') bar.update(barState(progress));
        },
      },
    );
    await state.remove();
    await rm(download, { recursive: true, force: true });
    for (const line of describeConversion(report, (performance.now() - startedAt) / 1000)) streams.print(line);
  } catch (error) {
    if (last?.stage === 'convert') finishBar(bar, last);
    if (goesOn(error, signal)) {
      await sink.abandon();
      if (sink.begun) streams.printError(`${out}: an incomplete package, and it says so.`);
    } else {
      await state.remove();
      await sink.discard();
    }
    throw error;
  } finally {
    await tools.dispose();
  }
}

/** Whether the same command may end better: not where the checkpoint itself is refused. */
function goesOn(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || !(error instanceof FormatError) || error.code === 'network' || error.code === 'storage';
}

type ConvertingProgress = Extract<ConvertProgress, { stage: 'convert' }>;

function layersDone({ stages }: ConversionState): number {
  return stages.at(-1)?.endLayer ?? 0;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

function barState({ tensor, doneBytes, totalBytes }: ConvertingProgress): Parameters<ProgressBar['update']>[0] {
  return { done: megabytes(doneBytes), total: megabytes(totalBytes), unit: 'MB', note: tensor };
}

function finishBar(bar: ProgressBar, progress: ConvertingProgress): void {
  bar.finish(barState(progress));
}

/** Checkpoint, heads and adapter, wherever they are. */
async function openAll(
  { source, hub, headsFile, tokenizerFolder, adapter }: Arguments,
  download: string,
  environment: Readonly<Record<string, string | undefined>>,
  seams: ConvertSeams,
  signal: AbortSignal,
): Promise<OpenedCheckpoint> {
  const open = (text: string, what: string) => openFolderOrHub(text, what, hub, download, environment, seams);
  let opened: OpenedCheckpoint;
  if (source.toLowerCase().endsWith('.gguf'))
    opened = await openGgufSource(
      await openFile(source),
      diskFileSet(resolve(tokenizerFolder ?? dirname(resolve(source)))),
      signal,
    );
  else opened = await open(source, 'a folder nor a hub id such as owner/name');
  if (headsFile !== undefined) opened = await withHeads(opened, await openFile(headsFile), signal);
  if (adapter === undefined) return opened;
  const { files, name } = await open(adapter, 'a folder nor a hub id such as owner/name (--adapter)');
  return withAdapter(opened, files, name, signal);
}

/** @throws FormatError when there is no such file. */
async function openFile(path: string): Promise<ByteSource> {
  const source = await diskSource(path);
  if (source === undefined) throw new FormatError('missing-file', path, 'there is no such file.');
  return source;
}

/** An address, a folder where there is one of that name, otherwise a hub id. */
async function openFolderOrHub(
  text: string,
  expected: string,
  hub: string,
  cacheFolder: string,
  environment: Readonly<Record<string, string | undefined>>,
  seams: ConvertSeams,
): Promise<OpenedCheckpoint> {
  const kept = { ...seams.hub, chunks: diskChunks(cacheFolder) };
  if (/^https?:\/\//.test(text)) {
    const name = urlName(text);
    return { files: urlFileSet(text, kept), name, source: { name, url: text } };
  }
  const path = resolve(text);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) {
    const name = basename(path);
    return { files: diskFileSet(path), name, source: { name } };
  }
  const model = parseHubId(text);
  if (found !== undefined || model === undefined)
    throw new FormatError('missing-file', text, `is neither ${expected}.`);
  const token = environment['HF_TOKEN'];
  return {
    files: hubFileSet(model, {
      ...kept,
      hub,
      ...(token === undefined || token === '' ? {} : { token }),
    }),
    name: basename(model.id),
    source: { name: model.id, revision: model.revision, url: `${hub.replace(/\/+$/, '')}/${model.id}` },
  };
}

/** @returns `undefined` when help was asked for. */
function readArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Arguments | undefined {
  const { values, positionals } = parseArguments(argv);
  if (values.help === true) return undefined;
  const [source, ...surplus] = positionals;
  if (source === undefined || source === '') throw new UsageError('SOURCE is missing; --help explains.');
  if (surplus.length > 0) throw new UsageError(`One SOURCE is expected, ${surplus.join(' ')} is left over.`);
  if (values.out === undefined || values.out === '') throw new UsageError('--out DIR is missing; --help explains.');
  const dtype = DTYPES.find((candidate) => candidate === (values.dtype ?? 'q4'));
  if (dtype === undefined) throw new UsageError(`--dtype must be one of ${DTYPES.join(', ')}, not ${values.dtype}.`);
  if (values.uniform === true && dtype !== 'q4') throw new UsageError(`--uniform goes with q4, not with ${dtype}.`);
  const maxLayers = values['max-layers'];
  const isGguf = source.toLowerCase().endsWith('.gguf');
  if (isGguf && values.heads === undefined)
    throw new UsageError('A .gguf file has no reward heads: --heads FILE is missing; --help explains.');
  if (!isGguf && values.tokenizer !== undefined)
    throw new UsageError('--tokenizer goes with a .gguf file; a folder or a hub model has its own tokenizer files.');
  return {
    source,
    out: resolve(values.out),
    hub: values.hub ?? (environment['HF_ENDPOINT'] || DEFAULT_HUB),
    objectivesFile: values.objectives,
    headsFile: values.heads,
    tokenizerFolder: values.tokenizer,
    adapter: values.adapter,
    options: {
      dtype,
      layersPerStage: positiveInteger('--layers-per-stage', values['layers-per-stage'] ?? '4'),
      ...(maxLayers === undefined ? {} : { maxLayers: positiveInteger('--max-layers', maxLayers) }),
      ...(values.name === undefined ? {} : { name: values.name }),
      ...(values.licence === undefined ? {} : { licence: values.licence }),
      verify: values.verify ?? false,
      mixed: dtype === 'q4' && values.uniform !== true,
    },
  };
}

function parseArguments(argv: readonly string[]) {
  const string = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        out: string,
        dtype: string,
        'layers-per-stage': string,
        'max-layers': string,
        objectives: string,
        heads: string,
        tokenizer: string,
        adapter: string,
        name: string,
        licence: string,
        hub: string,
        verify: flag,
        uniform: flag,
        help: { ...flag, short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function positiveInteger(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${option} must be a positive whole number, not ${text}.`);
  return value;
}

async function readObjectives(path: string): Promise<ReturnType<typeof parseObjectives>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new FormatError(
      'missing-file',
      path,
      `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(
      'malformed',
      path,
      `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`,
    );
  }
  return parseObjectives(value, basename(path));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  process.exitCode = await runConvert(
    process.argv.slice(2),
    { print: (line) => console.log(line), printError: (line) => console.error(line), progress: process.stderr },
    controller.signal,
  );
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
}
