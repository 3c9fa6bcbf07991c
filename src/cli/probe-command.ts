/**
 * `npm run probe -- --features F --out HEADS.safetensors [options]`: stage 1 (ridge) and Eq 3.
 *
 * Exit codes: 0 fitted; 1 the run failed; 2 the arguments are wrong; 130 interrupted.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import { ridgeAlphas } from '@/core/ridge.ts';
import { writeLinearHead } from '@/formats/head-files.ts';
import type { ProbeProgress, ProbeRequest, ProbeResult } from '@/jobs/api/training.ts';
import { probe } from '@/jobs/host/probe.ts';
import { type OptionValues, readOptions, runCommand, type Terminal, UsageError } from './arguments.ts';
import { expandFolders } from './data-paths.ts';
import { formatDuration, ProgressBar } from './progress-bar.ts';
import { diskDataFile, openDiskDataFile, writeWhole } from './train-run.ts';

const usage = `Fits one ridge regression per objective on frozen features, and the penalties of Eq 3 (arXiv 2406.12845).

  npm run probe -- --features F --out HEADS.safetensors [options]

  --features FILE     embeddings [N,d] and labels [N,k], NaN where a label is missing; bf16, f16 or f32 safetensors.
                      Several shards: give the option again, separate them by commas, or name a folder. Rows follow file names
  --out FILE          regression_layer.weight [k,d] and reward_transform_matrix [k,k], f32: what npm run train takes as --heads

  --alphas LIST       strengths to choose from (${ridgeAlphas.join(',')})
  --split S           authors: the rows that sklearn's train_test_split(test_size=0.2, random_state=42) holds out (default);
                      seeded: others, by --seed N (0) and --val-split S (0.2)
  --verbosity J       the verbosity objective, 0-based (4 where there are more than four), or none: M is then the identity
  --reference FILE    features that Eq 3 is solved on, of either stage (default: the rows of --features)
  --penalties M       exact (default), pearson, or authors-grid: the published script's list of λ, which misses roots
  --report FILE       JSON with the path of α of every objective and the penalties
`;

const methods = ['exact', 'pearson', 'authors-grid'] as const;

function readSplit(values: OptionValues): NonNullable<ProbeRequest['split']> {
  const seed = values.number('seed');
  const share = values.number('val-split');
  const kind = (values.choice('split', ['authors', 'seeded']) ?? (seed ?? share) === undefined) ? 'authors' : 'seeded';
  if (kind === 'authors') return { kind };
  if (share !== undefined && !(share > 0 && share < 1))
    throw new UsageError(`--val-split must be between 0 and 1, not ${share}.`);
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= 0))
    throw new UsageError(`--seed must be a whole number from 0 on, not ${seed}.`);
  return { kind, seed: seed ?? 0, share: share ?? 0.2 };
}

function readVerbosity(values: OptionValues): number | 'none' | undefined {
  if (values.optional('verbosity') === 'none') return 'none';
  const dimension = values.number('verbosity');
  if (dimension !== undefined && !(Number.isInteger(dimension) && dimension >= 0))
    throw new UsageError(`--verbosity must be the number of an objective, from 0 on, or none.`);
  return dimension;
}

/** The objectives' names where they are ArmoRM's nineteen. */
function nameOf(objective: number, objectives: number): string {
  const name = objectives === ARMORM_OBJECTIVES.length ? ARMORM_OBJECTIVES[objective]?.name : undefined;
  return name ?? `objective ${objective}`;
}

function table({ probes, objectives, penalties }: ProbeResult): string {
  const rows = probes.map((found, j) => {
    const name = nameOf(j, objectives).padEnd(36);
    if (found === undefined) return `${name} no labels`;
    const penalty = penalties === undefined ? '' : `  λ ${penalties.penalties[j]!.toFixed(4).padStart(8)}`;
    return (
      `${name} α ${String(found.alpha).padEnd(6)} held-out error ${found.validationMse.toPrecision(5).padStart(9)} ` +
      `on ${found.validationRows} of ${found.trainRows + found.validationRows} rows${penalty}`
    );
  });
  return rows.join('\n');
}

function progressOn({ stream }: Terminal): (progress: ProbeProgress) => void {
  let bar = new ProgressBar(stream);
  let phase = '';
  return (progress) => {
    const name = progress.stage === 'read' ? `read ${progress.pass}` : progress.stage;
    if (name !== phase) bar = new ProgressBar(stream);
    phase = name;
    if (progress.stage === 'read') {
      const { doneRows, totalRows, pass, passes } = progress;
      bar.update({ done: doneRows, total: totalRows, unit: 'rows', note: `pass ${pass + 1} of ${passes}` });
    } else if (progress.stage === 'reference')
      bar.update({ done: progress.doneRows, total: progress.totalRows, unit: 'rows', note: 'reference' });
    else
      bar.update({
        done: progress.done,
        total: progress.total,
        unit: progress.stage === 'solve' ? 'fits' : 'penalties',
      });
  };
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const text = ['out', 'split', 'seed', 'val-split', 'verbosity', 'penalties', 'report'];
  const values = readOptions(argv, {
    features: 'list',
    reference: 'list',
    alphas: 'list',
    ...Object.fromEntries(text.map((name) => [name, 'text' as const])),
  });
  const outPath = values.required('out');
  values.required('features');
  const alphas = values.list('alphas').map(Number);
  if (alphas.some((alpha) => !(alpha > 0 && alpha < Infinity)))
    throw new UsageError('--alphas must be positive numbers, separated by commas.');
  const split = readSplit(values);
  const verbosityDimension = readVerbosity(values);
  const penaltyMethod = values.choice('penalties', methods) ?? 'exact';
  if ((await stat(dirname(outPath)).catch(() => undefined))?.isDirectory() !== true)
    throw new UsageError(`--out: there is no folder ${dirname(outPath)}.`);
  const reference = await expandFolders('reference', values.list('reference'));
  const request: ProbeRequest = {
    features: (await expandFolders('features', values.list('features'))).map(diskDataFile),
    split,
    penaltyMethod,
    ...(alphas.length === 0 ? {} : { alphas }),
    ...(verbosityDimension === undefined ? {} : { verbosityDimension }),
    ...(reference.length === 0 ? {} : { reference: reference.map(diskDataFile) }),
  };
  const startedAt = performance.now();
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new DOMException('Interrupted.', 'AbortError'));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const tools = {
    openFile: openDiskDataFile,
    memoryBytes: 2 ** 31,
    breathe: () => new Promise<void>((resolve) => void setImmediate(resolve)),
  };
  const result = await probe(request, tools, { signal: interrupt.signal, onProgress: progressOn(terminal) });
  for (const { message } of result.warnings) terminal.log(`Warning: ${message}`);
  terminal.log(table(result));
  const { regression, transform, objectives, featureSize, penalties } = result;
  const labels = {
    alphas: JSON.stringify(result.probes.map((found) => found?.alpha ?? null)),
    penalties: JSON.stringify(penalties === undefined ? null : [...penalties.penalties]),
  };
  const head = { objectives, featureSize, regression, transform };
  await writeWhole(outPath, writeLinearHead(head, labels, basename(outPath)));
  const reportPath = values.optional('report');
  if (reportPath !== undefined) {
    const report = {
      split,
      penaltyMethod,
      verbosityDimension: penalties?.dimension ?? null,
      penalties: penalties === undefined ? null : [...penalties.penalties],
      objectives: result.probes.map((found, j) => ({ objective: j, name: nameOf(j, objectives), ...found })),
    };
    await writeWhole(reportPath, new TextEncoder().encode(`${JSON.stringify(report, undefined, 1)}\n`));
  }
  terminal.log(`${outPath}: ${objectives} objectives, ${formatDuration((performance.now() - startedAt) / 1000)}.`);
  return 0;
}

/** The command. @returns its exit code. */
export function probeCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => run(argv, terminal), usage, terminal);
}
