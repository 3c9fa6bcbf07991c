/** From a file to a scored set, and from a set to the report: what `npm run evaluate` does. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  comparePenalties,
  correlationsOf,
  type ObjectiveCorrelations,
  type PenaltyComparison,
} from '@/core/debias-report.ts';
import { findPenalties, transformFromPenalties } from '@/core/debias.ts';
import { DataError } from '@/core/errors.ts';
import { evaluationReport, type EvaluationReport } from '@/core/evaluation-report.ts';
import type { ScoredHead, ScoredSet } from '@/core/scored-set.ts';
import { nameAt } from '@/core/scored-set.ts';
import { scoresUnderTransform, setAdjustedRewards } from '@/core/set-scores.ts';
import { selectGroups } from '@/core/select-groups.ts';
import type { ModelSource, Provider } from '@/engine/api/messages.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import type { ColumnMapping } from '@/formats/datasets/column-mapping.ts';
import { mappingFor, previewDataset, readDataset } from '@/formats/datasets/read-dataset.ts';
import { FormatError } from '@/formats/errors.ts';
import type { FileStore } from '@/formats/file-store.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';
import type { RejectedRow } from '@/formats/rejected-rows.ts';
import { readScoredSet, scoredFormatOf } from '@/formats/scored-set.ts';
import { ResultCache } from '@/jobs/evaluation/result-cache.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import { chosenEntries, runEvaluation, type EvaluationProgress } from '@/jobs/evaluation/run-evaluation.ts';
import { UsageError, type Terminal } from './arguments.ts';
import { diskFileSet, diskSource } from './disk-files.ts';
import { createCliEngine } from './node-engine.ts';
import { formatDuration, ProgressBar } from './progress-bar.ts';
import { writeWhole } from './train-run.ts';

export const penaltyChoices = ['paper', 'none', 'exact'] as const;
export type PenaltyChoice = (typeof penaltyChoices)[number];

export interface EvaluateFileOptions {
  readonly source: ByteSource;
  /** Folder or URL of a package. */
  readonly model: string | undefined;
  readonly resultsFolder: string;
  readonly limit: number | undefined;
  readonly subsets: readonly string[] | undefined;
  readonly mapping: ColumnMapping | undefined;
  readonly provider: Provider | undefined;
  readonly threads: number | undefined;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

export interface EvaluatedFile {
  readonly set: ScoredSet;
  readonly rejected: readonly RejectedRow[];
  readonly source: 'dataset' | 'scored file';
  readonly layout: string | undefined;
  /** Index of the verbosity objective, where there is one. */
  readonly verbosity: number | undefined;
}

/** @throws FormatError, EngineError, UsageError; AbortError when interrupted. */
export async function evaluateFile(options: EvaluateFileOptions): Promise<EvaluatedFile> {
  const scored = (await scoredFormatOf(options.source, options.signal)) !== undefined;
  return scored ? evaluateScored(options) : evaluateDataset(options);
}

async function evaluateScored(options: EvaluateFileOptions): Promise<EvaluatedFile> {
  const { source, model, limit, subsets, signal } = options;
  const known = model === undefined ? undefined : await headOf(model, signal);
  const { set, rejected } = await readScoredSet(
    source,
    known === undefined ? {} : { objectives: known.objectives, modelId: known.manifest.id, head: known.head },
    { signal },
  );
  if (known !== undefined && set.modelId !== undefined && set.modelId !== known.manifest.id)
    throw new UsageError(`--model is ${known.manifest.id}, but ${source.name} was scored by ${set.modelId}.`);
  let items = 0;
  const chosen = selectGroups(set, (group) => {
    const subset = nameAt(set.subsets, set.groupStart[group]!);
    if (subsets !== undefined && (subset === undefined || !subsets.includes(subset))) return false;
    items += 1;
    return limit === undefined || items <= limit;
  });
  if (chosen.groups === 0) throw noneLeft(source.name);
  return {
    set: chosen,
    rejected,
    source: 'scored file',
    layout: undefined,
    verbosity: verbosityOf(chosen, known?.manifest),
  };
}

function noneLeft(name: string): FormatError {
  return new FormatError('mismatch', name, 'has no item of these subsets.', 'Check --subset.');
}

async function headOf(model: string, signal: AbortSignal) {
  const files = /^https?:/.test(model) ? urlFileSet(model) : diskFileSet(model);
  const { manifest } = await openPackage(files, signal);
  const heads = await readHeads(await openEntry(files, manifest.heads, signal), manifest, signal);
  return {
    manifest,
    objectives: manifest.objectives.map(({ name }) => name),
    head: headRecord(manifest, heads.transform),
  };
}

function headRecord({ gate, activeObjectives }: Manifest, transform: Float64Array): ScoredHead {
  const { temperature, logitScale } = gate;
  return { transform, temperature, logitScale, ...(activeObjectives === undefined ? {} : { activeObjectives }) };
}

function verbosityOf(set: ScoredSet, manifest: Manifest | undefined): number | undefined {
  const named = set.objectives.findIndex((name) => /verbosity/i.test(name));
  return manifest?.verbosityDimensions[0] ?? (named < 0 ? undefined : named);
}

async function evaluateDataset(options: EvaluateFileOptions): Promise<EvaluatedFile> {
  const { source, limit, subsets, signal, terminal, threads, provider, resultsFolder } = options;
  if (options.model === undefined)
    throw new UsageError(`--model is missing: ${source.name} is a dataset, which has no scores yet.`);
  const preview = await previewDataset(source, signal);
  const mapping = mappingFor(preview, options.mapping);
  const layout = options.mapping === undefined ? preview.recognised?.layout : 'mapped';
  terminal.log(`${source.name}: ${preview.format}, layout ${layout ?? 'mapped'}`);
  const engine = createCliEngine(threads === undefined ? {} : { threads });
  try {
    const modelSource: ModelSource = /^https?:/.test(options.model)
      ? { kind: 'url', url: options.model }
      : { kind: 'directory', path: options.model };
    const loaded = await engine.load(modelSource, { signal, ...(provider === undefined ? {} : { provider }) });
    const { manifest, transform } = loaded;
    terminal.log(`${manifest.name} on ${loaded.provider}, proven (worst error ${loaded.worstError.toExponential(1)})`);
    const cache = await ResultCache.open(await diskFileStore(resultsFolder), manifest.id);
    if (cache.size > 0) terminal.log(`${cache.size} responses are kept from before.`);
    const { set, rejected } = await runEvaluation({
      engine,
      atOnce: requestsAtOnce(loaded.memory),
      model: {
        id: manifest.id,
        objectives: manifest.objectives.map(({ name }) => name),
        head: headRecord(manifest, transform),
      },
      entries: (abort) => chosenEntries(readDataset(source, preview.format, mapping, abort), { limit, subsets }),
      cache,
      now: () => performance.now(),
      signal,
      onProgress: progressOn(terminal),
    });
    if (set === undefined) throw rejected.length === 0 ? noneLeft(source.name) : noneScored(source.name, rejected);
    return { set, rejected, source: 'dataset', layout, verbosity: verbosityOf(set, manifest) };
  } finally {
    await engine.dispose();
  }
}

function noneScored(name: string, [first, ...others]: readonly RejectedRow[]): FormatError {
  return new FormatError(
    'malformed',
    `${name}, row ${first?.row}${first?.field === '' ? '' : `, ${first?.field}`}`,
    `${first?.reason} No other record could be used either (${others.length + 1} in all).`,
  );
}

function progressOn({ stream, log }: Terminal): (progress: EvaluationProgress) => void {
  let bar: ProgressBar | undefined;
  return (progress) => {
    const { stage, responses, totalResponses, tokensPerSecond, remainingSeconds } = progress;
    if (stage !== 'scoring' && stage !== 'done') return;
    bar ??= new ProgressBar(stream, progress.reused);
    const rate = tokensPerSecond === undefined ? '' : `${tokensPerSecond.toFixed(0)} tokens/s`;
    const left = remainingSeconds === undefined ? '' : `, about ${formatDuration(remainingSeconds)}`;
    const state = { done: responses, total: totalResponses, unit: 'responses', note: `${rate}${left}` };
    if (stage === 'scoring') bar.update(state);
    else {
      bar.finish({ ...state, note: rate });
      log(`${responses} responses, ${progress.reused} of them not scored anew; ${progress.tokens} tokens.`);
    }
  };
}

/** A folder as a store; a file is written beside and renamed, so it is there as a whole or not at all. */
export async function diskFileStore(folder: string): Promise<FileStore> {
  await mkdir(folder, { recursive: true });
  return {
    write: (name, bytes) => writeWhole(join(folder, name), bytes),
    open: (name) => diskSource(join(folder, name), name),
    list: () => readdir(folder),
    remove: (name) => rm(join(folder, name), { force: true }),
  };
}

/** The file that --report writes. */
export interface EvaluationFileReport {
  readonly format: 'armoscope-evaluation';
  readonly version: 1;
  readonly input: string;
  readonly source: EvaluatedFile['source'];
  readonly layout: string | undefined;
  readonly model: string | undefined;
  readonly objectives: readonly string[];
  readonly penalties: PenaltyChoice;
  readonly rejected: number;
  readonly results: EvaluationReport;
  readonly debias:
    | {
        readonly verbosity: number;
        readonly before: readonly ObjectiveCorrelations[];
        /** Under the transform in use; undefined where none is known. */
        readonly after: readonly ObjectiveCorrelations[] | undefined;
        /** λ in use `[k]` is the row of M; the methods side by side. */
        readonly penalties: readonly PenaltyComparison[] | undefined;
      }
    | undefined;
}

/** The choice's transform; undefined for the model's own where the file does not have it. */
function transformOf({ set, verbosity }: EvaluatedFile, choice: PenaltyChoice): Float64Array | undefined {
  if (choice === 'paper') return set.head?.transform;
  const k = set.objectives.length;
  if (choice === 'none') return transformFromPenalties(k, []);
  if (verbosity === undefined)
    throw new UsageError(
      '--penalties exact needs an objective of verbosity, and no objective is named so. Give --model.',
    );
  return transformFromPenalties(k, [findPenalties(set.rewards, k, verbosity, 'exact')]);
}

/** @param resamples 0 leaves intervals out. @throws UsageError, DataError where a penalty is not defined. */
export function reportOf(
  evaluated: EvaluatedFile,
  {
    input,
    penalties,
    resamples,
  }: { readonly input: string; readonly penalties: PenaltyChoice; readonly resamples: number },
): EvaluationFileReport {
  const { set, verbosity } = evaluated;
  const transform = transformOf(evaluated, penalties);
  const scores = penalties === 'paper' || transform === undefined ? set.scores : scoresUnderTransform(set, transform);
  return {
    format: 'armoscope-evaluation',
    version: 1,
    input,
    source: evaluated.source,
    layout: evaluated.layout,
    model: set.modelId,
    objectives: set.objectives,
    penalties,
    rejected: evaluated.rejected.length,
    results: evaluationReport(set, scores, transform),
    debias: verbosity === undefined ? undefined : debiasOf(set, verbosity, transform, resamples),
  };
}

function debiasOf(
  set: ScoredSet,
  verbosity: number,
  transform: Float64Array | undefined,
  resamples: number,
): EvaluationFileReport['debias'] {
  const { objectives, rewards, promptOf, responseTokens } = set;
  const reference = {
    objectives,
    verbosity,
    rewards,
    promptOf,
    ...(responseTokens.every((count) => count >= 0) ? { responseTokens } : {}),
  };
  const options = { resamples, seed: 0 };
  let compared: PenaltyComparison[] | undefined;
  try {
    // Intervals of λ cost a root search a resample; the correlations' say as much.
    compared = comparePenalties(reference, { resamples: 0, seed: 0 });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
  }
  return {
    verbosity,
    before: correlationsOf(reference, rewards, options),
    after: transform === undefined ? undefined : correlationsOf(reference, setAdjustedRewards(set, transform), options),
    penalties: compared,
  };
}
