/**
 * The boundary of long computations on whole sets: Debias' bootstrap intervals, rewards of feature files, a scored set under another
 * head, Evaluate's report. Each is one call to a worker of its
 * own, so that leaving it early ends it at once. Types only; everything here can be cloned to a worker and back.
 */
import type { DebiasClaim } from '@/core/debias-claim.ts';
import type { BootstrapOptions, ObjectiveCorrelations, PenaltyComparison, ReferenceSet } from '@/core/debias-report.ts';
import type { EvaluationReport, ReportedSet } from '@/core/evaluation-report.ts';
import type { Gate, RewardHead } from '@/core/reward-head.ts';
import type { ScoredSet } from '@/core/scored-set.ts';
import type { JobErrorData } from './job-error.ts';

/** What can be asked, and what comes back. */
export interface DebiasTasks {
  /** λ of every objective by every method. */
  readonly penalties: {
    readonly request: { readonly set: ReferenceSet; readonly options: BootstrapOptions };
    readonly result: readonly PenaltyComparison[];
  };
  /** Correlations of `values` `[n, k]`, the rewards raw or adjusted. */
  readonly correlations: {
    readonly request: {
      readonly set: ReferenceSet;
      readonly values: Float64Array;
      readonly options: BootstrapOptions;
    };
    readonly result: readonly ObjectiveCorrelations[];
  };
  /** Rewards of feature files (the authors' layouts) under a head, with its gate where the files have prompts. */
  readonly features: {
    readonly request: {
      readonly files: readonly { readonly name: string; readonly blob: Blob }[];
      readonly head: RewardHead;
      readonly objectives: readonly string[];
      readonly modelId: string;
    };
    readonly result: FeatureRewards;
  };
  /** What a transform does to a set of pairs, beside no correction. */
  readonly claim: {
    readonly request: {
      readonly set: ScoredSet;
      readonly transform: Float64Array;
      readonly matchedTolerance: number;
      readonly options: BootstrapOptions;
    };
    readonly result: DebiasClaim;
  };
  /** Everything Evaluate says about a set under the given scores. */
  readonly report: {
    readonly request: {
      readonly set: ReportedSet;
      readonly scores: Float64Array;
      readonly transform: Float64Array | undefined;
    };
    readonly result: EvaluationReport;
  };
  /** What another head makes of the hidden states that were kept when a set was scored. */
  readonly rescore: { readonly request: RescoreRequest; readonly result: RescoredRows };
}

export interface RescoreRequest {
  /** Model that made the scores. */
  readonly modelId: string;
  /** Folder of the origin's private file system that holds results by batch. */
  readonly folder: string;
  /** As in a `ScoredSet`: what was kept is found by its texts. */
  readonly rows: Pick<ScoredSet, 'groupOf' | 'promptOf' | 'prompts'> & {
    readonly texts: NonNullable<ScoredSet['texts']>;
  };
  /** Absent parts are the model's own. */
  readonly head: Pick<RewardHead, 'objectives' | 'featureSize'> & {
    readonly regression?: Float32Array | undefined;
    readonly gate?: Gate | undefined;
  };
}

export interface RescoredRows {
  /** Rows whose hidden states are not kept on this machine; the arrays are there only where it is 0. */
  readonly missing: number;
  /** Raw r `[n, k]`, where the regression is another. */
  readonly rewards: Float64Array | undefined;
  /** l `[p, k]`, where the gate is another. */
  readonly gateLogits: Float64Array | undefined;
}

export interface FeatureRewards {
  /** Raw r `[n, k]`; of a pair the chosen one first. */
  readonly rewards: Float64Array;
  /** Pairs with their gate (stage 2). */
  readonly scored: ScoredSet | undefined;
}

export type DebiasTaskName = keyof DebiasTasks;

export interface DebiasJobs {
  /** Rejects with a `JobError`; at once when `signal` aborts. */
  run<K extends DebiasTaskName>(
    task: K,
    request: DebiasTasks[K]['request'],
    signal?: AbortSignal,
    onProgress?: (doneRows: number, totalRows: number) => void,
  ): Promise<DebiasTasks[K]['result']>;
}

/** What the worker is told. */
export type DebiasCall = {
  readonly [K in DebiasTaskName]: { readonly task: K; readonly request: DebiasTasks[K]['request'] };
}[DebiasTaskName];

/** What it answers; progress, where the task tells any, comes before. */
export type DebiasReply =
  | { readonly kind: 'progress'; readonly doneRows: number; readonly totalRows: number }
  | { readonly kind: 'done'; readonly result: DebiasTasks[DebiasTaskName]['result'] }
  | { readonly kind: 'failed'; readonly error: JobErrorData };
