/**
 * `npm run convert -- SOURCE --out DIR`: a Hugging Face checkpoint, in a folder or on the hub, into a model package.
 */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ConversionReport, ConvertOptions } from '@/convert/conversion.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import type { Dtype } from '@/convert/linear-encoder.ts';
import { parseObjectives } from '@/convert/objectives.ts';
import { FormatError } from '@/formats/errors.ts';
import { createConvertTools } from './convert-tools.ts';
import { diskFileSet } from './disk-files.ts';
import { folderPackageSink, scratchSink } from './node-files.ts';

const HELP = `Converts a reward model in Hugging Face layout into a model package.

  npm run convert -- SOURCE --out DIR [options]

  SOURCE                 folder with config.json, *.safetensors and tokenizer files, or a hub id owner/name[@revision]
  --out DIR              where the package is written
  --dtype TYPE           q4 (default), q8, f16 or f32: how the linear layers are stored
  --layers-per-stage N   decoder layers in one file (default 4)
  --max-layers N         keep only the first N layers
  --objectives FILE      JSON array with the objectives' names, or with their whole manifest entries
  --name TEXT            name of the package (default: the folder's or the model's)
  --licence TEXT         SPDX identifier or a sentence (default: unknown)
  --verify               measure the score error of the package against f32 on more texts
  --help                 this text`;

const DTYPES: readonly Dtype[] = ['q4', 'q8', 'f16', 'f32'];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      dtype: { type: 'string', default: 'q4' },
      'layers-per-stage': { type: 'string', default: '4' },
      'max-layers': { type: 'string' },
      objectives: { type: 'string' },
      name: { type: 'string' },
      licence: { type: 'string' },
      verify: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const [source, ...surplus] = positionals;
  if (source === undefined || surplus.length > 0 || values.out === undefined)
    throw new UsageError('One SOURCE and --out DIR are needed; --help explains.');
  const dtype = DTYPES.find((candidate) => candidate === values.dtype);
  if (dtype === undefined) throw new UsageError(`--dtype must be one of ${DTYPES.join(', ')}, not ${values.dtype}.`);
  const maxLayers = values['max-layers'];
  const out = resolve(values.out);
  const options: ConvertOptions = {
    dtype,
    layersPerStage: positiveInteger('--layers-per-stage', values['layers-per-stage']),
    ...(maxLayers === undefined ? {} : { maxLayers: positiveInteger('--max-layers', maxLayers) }),
    name: values.name ?? basename(resolve(source)),
    source: { name: basename(resolve(source)) },
    ...(values.licence === undefined ? {} : { licence: values.licence }),
    ...(values.objectives === undefined ? {} : { objectives: await readObjectives(values.objectives) }),
    verify: values.verify,
  };
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const sink = folderPackageSink(out);
  const scratch = await scratchSink(out);
  const tools = await createConvertTools(scratch.sink);
  try {
    const report = await convertCheckpoint(diskFileSet(resolve(source)), sink, options, tools, {
      signal: controller.signal,
    });
    printReport(report);
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    await tools.dispose();
    await scratch.remove();
  }
}

class UsageError extends Error {}

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
  } catch {
    throw new FormatError('missing-file', path, 'cannot be read.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(
      'malformed',
      path,
      `is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  return parseObjectives(value, basename(path));
}

function printReport(report: ConversionReport): void {
  for (const { tensor, form, relativeError } of report.tensors)
    console.log(`${tensor} ${form} ${relativeError.toExponential(2)}`);
  for (const { kind, prompt, reference, own } of report.comparisons)
    console.log(kind, prompt.slice(0, 40), reference.score, own.score);
  console.log(report.manifest.id, report.packageBytes);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  console.error(message);
  process.exitCode = 1;
});
