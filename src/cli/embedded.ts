/**
 * `npm run embedded`: builds the embedded model package from the base model and the rated data.
 * The one build step that reads what lies outside this repository (`../shared/`, or where it is told); its output is committed. Every part keeps its result in the
 * work directory and is skipped when it is there, so a stopped run goes on where it was.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defined } from '@/base/assert.ts';
import { FormatError } from '@/formats/errors.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import type { Manifest } from '@/formats/manifest.ts';
import {
  BASE_MODEL,
  findGguf,
  LAYERS,
  prepareBackbone,
  prepareCheckpoint,
  sha256OfFile,
} from './embedded/backbone-step.ts';
import { buildDataset } from './embedded/dataset.ts';
import type { Group } from './embedded/dataset.ts';
import { extractFeatures, isStored, planExtraction, TOKEN_LIMIT } from './embedded/extract.ts';
import type { PlannedGroup } from './embedded/extract.ts';
import { FeatureStore } from './embedded/feature-store.ts';
import { GATE_SETTINGS, trainHeads } from './embedded/heads-step.ts';
import { jsonRecord, parseJsonRecord } from './embedded/json-record.ts';
import { writePackage } from './embedded/package-step.ts';
import { readPreferences, readRatings } from './embedded/records.ts';
import { readmeText } from './embedded/readme-text.ts';
import { measureNoise } from './embedded/noise-step.ts';
import { buildReport } from './embedded/report.ts';
import { writeSamples } from './embedded/sample-step.ts';
import { contentHash } from './embedded/seeded.ts';
import { ALPHAS } from './embedded/train-heads.ts';
import { assembleTrainingData } from './embedded/training-data.ts';
import { judgeWrittenPairs, readWrittenPairs, WRITTEN_PAIRS_FILE } from './embedded/written-pairs.ts';
import type { WrittenPairsResult } from './embedded/written-pairs.ts';
import { createCliEngine } from './node-engine.ts';

const HELP = `Builds the embedded model package. Resumable: run it again after a stop.

  npm run embedded -- [options]

  --source DIR   the base model: one GGUF file, config.json, tokenizer files, LICENSE
                 (default ../shared/models/smollm2-135m-instruct)
  --data DIR     ratings.jsonl.gz and preferences.jsonl.gz (default ../shared/data)
  --work DIR     intermediate files (default .cache/embedded)
  --out DIR      the package (default public/models/embedded)
  --samples DIR  sample files of the page (default public/sample)
  --groups FILE  only write the chosen groups as JSON Lines, for tune-norms.py, and stop
  --workers N    processes that extract features, one thread each (default 2)
  --help         this text`;

/** Hidden size of the base model. */
const FEATURE_SIZE = 576;
/** Tokens that features are computed of: groups are taken in order until it is reached. */
const TOKEN_BUDGET = 1_550_000;
/** Folder of the f32 twin that features are computed with (`prepareBackbone`). */
const EXTRACTION_BACKBONE = 'backbone-f32';

interface Options {
  readonly source: string;
  readonly data: string;
  readonly work: string;
  readonly out: string;
  readonly samples: string;
  readonly workers: number;
}

async function backboneId(work: string): Promise<string> {
  const path = join(work, EXTRACTION_BACKBONE, MANIFEST_FILE);
  const { id } = parseJsonRecord(await readFile(path, 'utf8'), path);
  return String(id).replaceAll(/[^A-Za-z0-9.@-]/g, '_');
}

async function readGroups(data: string): Promise<Group[]> {
  const ratings = await readRatings(join(data, 'ratings.jsonl.gz'));
  const preferences = await readPreferences(join(data, 'preferences.jsonl.gz'));
  return buildDataset(ratings.records, preferences.records);
}

async function openStore(work: string, part?: number): Promise<FeatureStore> {
  return FeatureStore.open(join(work, 'features', await backboneId(work)), FEATURE_SIZE, part);
}

/** The extraction plan: tokenising everything takes a minute, so it is kept under the hash of what it depends on. */
async function readPlan(options: Options, groups: readonly Group[]): Promise<PlannedGroup[]> {
  const id = await backboneId(options.work);
  const identity = contentHash(
    id,
    String(TOKEN_BUDGET),
    ...groups.flatMap(({ key, responses }) => [key, ...responses]),
  );
  const path = join(options.work, `plan-${identity.slice(0, 12)}.json`);
  if (existsSync(path)) {
    const { plan } = parseJsonRecord(await readFile(path, 'utf8'), path);
    if (!Array.isArray(plan)) throw new FormatError('malformed', path, '"plan" must be a list.', 'Delete it.');
    return plan.map((entry: unknown, index): PlannedGroup => {
      const group = defined(groups[index], 'a planned group');
      const { tokens, responses } = jsonRecord(entry, path);
      const kept = new Set<unknown>(Array.isArray(responses) ? responses : []);
      return { group, tokens: Number(tokens), responses: group.responses.filter((_, i) => kept.has(i)) };
    });
  }
  const engine = createCliEngine({ threads: 1 });
  await engine.load({ kind: 'directory', path: join(options.work, EXTRACTION_BACKBONE) }, { provider: 'native' });
  const planned = await planExtraction(engine, groups, TOKEN_BUDGET);
  await engine.dispose();
  const plan = planned.map(({ group, responses, tokens }) => {
    const kept = new Set(responses);
    return { tokens, responses: group.responses.flatMap((response, i) => (kept.has(response) ? [i] : [])) };
  });
  await writeFile(`${path}.part`, JSON.stringify({ plan }));
  await rename(`${path}.part`, path);
  return planned;
}

/** One extracting process: the groups at `part`, `part + workers`, … of the plan. One thread, so sums never change order. */
async function extractPart(options: Options, part: number): Promise<void> {
  const planned = await readPlan(options, await readGroups(options.data));
  const mine = planned.filter((_, index) => index % options.workers === part);
  const store = await openStore(options.work, part);
  const engine = createCliEngine({ threads: 1 });
  await engine.load({ kind: 'directory', path: join(options.work, EXTRACTION_BACKBONE) }, { provider: 'native' });
  let reportedAt = performance.now();
  await extractFeatures(engine, mine, store, ({ tokens, tokensTotal, tokensPerSecond }) => {
    if (performance.now() - reportedAt < 10_000) return;
    reportedAt = performance.now();
    console.log(
      `features, process ${part}: ${tokens} of ${tokensTotal} tokens, ${tokensPerSecond.toFixed(0)} tokens a second`,
    );
  });
  await engine.dispose();
}

/** Extracts in `workers` processes and waits for all of them. */
async function extractAll(options: Options): Promise<void> {
  const parts = Array.from({ length: options.workers }, async (_, part) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--part', String(part)],
      { stdio: 'inherit' },
    );
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (code !== 0) throw new Error(`extracting process ${part} ended with code ${code}`);
  });
  await Promise.all(parts);
}

async function versions(): Promise<Record<string, string>> {
  const versionOf = async (path: string): Promise<string> =>
    String(parseJsonRecord(await readFile(path, 'utf8'), path)['version']);
  return {
    armoscope: await versionOf('package.json'),
    node: process.versions.node,
    'onnxruntime-node': await versionOf('node_modules/onnxruntime-node/package.json'),
  };
}

function manifestBytes(manifest: Manifest): number {
  return manifestFiles(manifest).reduce((sum, { entry }) => sum + entry.bytes, 0);
}

/** The written pairs, scored by the finished package. */
async function judgeOwnPairs(out: string): Promise<WrittenPairsResult> {
  const engine = createCliEngine({ threads: 1 });
  await engine.load({ kind: 'directory', path: out }, { provider: 'native' });
  const result = await judgeWrittenPairs(await readWrittenPairs(WRITTEN_PAIRS_FILE), async (messages, responses) =>
    (await engine.score({ messages, responses })).responses.map(({ score }) => score),
  );
  await engine.dispose();
  return result;
}

async function build(options: Options): Promise<void> {
  const { source, work, out, samples } = options;
  const checkpoint = await prepareCheckpoint(source, work);
  const backbone = await prepareBackbone(source, work);
  await prepareBackbone(source, work, 'f32');
  const groups = await readGroups(options.data);
  const planned = await readPlan(options, groups);
  const stored = await openStore(work);
  if (!planned.every((plan) => isStored(plan, stored))) await extractAll(options);
  const data = assembleTrainingData(planned, await openStore(work), FEATURE_SIZE);
  const trained = await trainHeads(data, console.log);
  const used = new Set(data.groups.flatMap((group) => [group.source, ...group.preferences.map((pair) => pair.source)]));
  const scoreNoise = await measureNoise(source, work, trained.head, data);
  console.log(`noise of a margin: ${scoreNoise.marginDeviation.toPrecision(3)}`);
  const manifest = await writePackage(source, checkpoint, backbone, out, trained, used, scoreNoise);
  await writeSamples(samples, trained, data);
  const gguf = await findGguf(source);
  const errors = manifest.canaries.map(({ reference, own }) =>
    Math.max(...own.rewards.map((reward, j) => Math.abs(reward - (reference?.rewards[j] ?? Number.NaN)))),
  );
  const report = buildReport({
    trained,
    data,
    tokens: planned.reduce((sum, { tokens }) => sum + tokens, 0),
    versions: await versions(),
    baseModel: { ...BASE_MODEL, layers: LAYERS, file: gguf, sha256: await sha256OfFile(join(source, gguf)) },
    quantisation: {
      ...manifest.quantisation,
      worstCanaryRewardErrorAgainstF32: Math.max(...errors),
      note: 'The source is a 4-bit model; its values are kept exactly, so f32 here means f32 arithmetic on the same weights.',
    },
    writtenPairs: await judgeOwnPairs(out),
    settings: { tokenBudget: TOKEN_BUDGET, tokenLimit: TOKEN_LIMIT, alphas: ALPHAS, gate: GATE_SETTINGS },
  });
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  await writeFile(join(out, 'README.md'), readmeText(report, manifestBytes(manifest)));
  console.log(`${manifest.id} in ${out}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      source: { type: 'string', default: '../shared/models/smollm2-135m-instruct' },
      data: { type: 'string', default: '../shared/data' },
      work: { type: 'string', default: '.cache/embedded' },
      out: { type: 'string', default: 'public/models/embedded' },
      samples: { type: 'string', default: 'public/sample' },
      workers: { type: 'string', default: '2' },
      groups: { type: 'string' },
      /** Of this command's own making: one extracting process. */
      part: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  for (const folder of [values.source, values.data]) {
    if (!existsSync(folder)) {
      console.error(`There is no folder ${folder}. Name the base model with --source and the data with --data.`);
      process.exitCode = 1;
      return;
    }
  }
  if (values.groups !== undefined) {
    const groups = await readGroups(values.data);
    const lines = groups.map((group) => `${JSON.stringify({ ...group, licences: [...group.licences] })}\n`);
    await writeFile(values.groups, lines.join(''));
    console.log(`${groups.length} groups in ${values.groups}`);
    return;
  }
  const workers = Number(values.workers);
  if (!Number.isInteger(workers) || workers < 1 || workers > 9)
    throw new Error(`--workers must be a whole number from 1 to 9, not ${values.workers}`);
  const { source, data, work, out, samples } = values;
  const options: Options = { source, data, work, out, samples, workers };
  if (values.part === undefined) await build(options);
  else await extractPart(options, Number(values.part));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
