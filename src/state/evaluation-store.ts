/**
 * What is evaluated: the dataset that is open, how its columns are read, and the run that scores it. Serialisable; the dataset's
 * bytes and the run's pause and abort lie beside the store. The scores of a finished run become the loaded set (`loaded-set.ts`).
 */
import { create } from 'zustand';
import type { ByteSource } from '@/formats/byte-source.ts';
import type { ColumnMapping, RecordShape } from '@/formats/datasets/column-mapping.ts';
import type { DatasetPreview } from '@/formats/datasets/read-dataset.ts';
import type { FeaturePlan } from '@/jobs/evaluation/feature-plan.ts';
import type { MadeFeatures } from '@/jobs/evaluation/make-features.ts';
import type { EvaluationProgress } from '@/jobs/evaluation/run-evaluation.ts';

/** A mapping on its way: whole once every part its shape needs is named. */
export type DraftMapping = Partial<ColumnMapping> & { readonly shape: RecordShape };

export interface OpenDataset extends DatasetPreview {
  /** Changes with every dataset. */
  readonly id: number;
  readonly bytes: number;
  /** As recognised, guessed, or chosen by the person. */
  readonly mapping: DraftMapping;
  /** The person changed it, or must complete it. */
  readonly ownMapping: boolean;
  /** Only the first so many items; `undefined`: all. */
  readonly limit: number | undefined;
}

/** What a run is for: scores to look at, or a file of features to train on. */
export type RunPurpose = 'scores' | 'features';

/** A feature file that a run has made. */
export interface MadeFeatureFile extends MadeFeatures {
  readonly name: string;
  readonly kind: FeaturePlan['kind'];
}

export type EvaluationRunState =
  | { readonly status: 'idle' }
  | { readonly status: 'running' | 'paused'; readonly progress: EvaluationProgress | undefined }
  /** Ended before its end; what was scored is kept. */
  | {
      readonly status: 'cancelled' | 'failed';
      readonly progress: EvaluationProgress | undefined;
      readonly problem: string | undefined;
    }
  | {
      readonly status: 'done';
      readonly scored: number;
      readonly reused: number;
      readonly rejected: number;
      readonly made?: MadeFeatureFile;
    };

export interface InterruptedRun {
  /** Of the dataset. */
  readonly name: string;
  readonly modelId: string;
  readonly purpose: RunPurpose;
}

export interface EvaluationState {
  readonly dataset: OpenDataset | undefined;
  /** Name of what is being opened. */
  readonly opening: string | undefined;
  /** Why what was given last was not opened, in words. What was open stays. */
  readonly problem: string | undefined;
  readonly run: EvaluationRunState;
  readonly purpose: RunPurpose;
  /** A run that ended with its page; it can be taken up again. */
  readonly interrupted: InterruptedRun | undefined;
}

const initial: EvaluationState = {
  dataset: undefined,
  opening: undefined,
  problem: undefined,
  run: { status: 'idle' },
  purpose: 'scores',
  interrupted: undefined,
};

export const useEvaluation = create<EvaluationState>(() => initial);

let source: ByteSource | undefined;
let datasets = 0;

/** The bytes of the open dataset. */
export function datasetSource(): ByteSource | undefined {
  return source;
}

export function openingStarted(name: string): void {
  useEvaluation.setState({ opening: name, problem: undefined });
}

/** `problem`: why nothing was opened. */
export function openingEnded(problem?: string): void {
  useEvaluation.setState({ opening: undefined, problem });
}

/** Makes a dataset the open one. `mapping` and `limit`: as an earlier run had them. */
export function keepDataset(
  bytes: ByteSource,
  preview: DatasetPreview,
  earlier?: { readonly mapping: DraftMapping; readonly limit: number | undefined },
): void {
  source = bytes;
  datasets += 1;
  useEvaluation.setState({
    dataset: {
      ...preview,
      id: datasets,
      bytes: bytes.size,
      mapping: earlier?.mapping ?? preview.recognised?.mapping ?? preview.suggested.mapping,
      ownMapping:
        earlier !== undefined && JSON.stringify(earlier.mapping) !== JSON.stringify(preview.recognised?.mapping),
      limit: earlier?.limit,
    },
    opening: undefined,
    problem: undefined,
    run: { status: 'idle' },
  });
}

export function closeDataset(): void {
  source = undefined;
  useEvaluation.setState({ dataset: undefined, run: { status: 'idle' } });
}

export function setMapping(mapping: DraftMapping): void {
  useEvaluation.setState(({ dataset }) =>
    dataset === undefined ? {} : { dataset: { ...dataset, mapping, ownMapping: true } },
  );
}

/** Back to what the file itself says. */
export function resetMapping(): void {
  useEvaluation.setState(({ dataset }) =>
    dataset === undefined
      ? {}
      : {
          dataset: {
            ...dataset,
            mapping: dataset.recognised?.mapping ?? dataset.suggested.mapping,
            ownMapping: false,
          },
        },
  );
}

export function setLimit(limit: number | undefined): void {
  useEvaluation.setState(({ dataset }) => (dataset === undefined ? {} : { dataset: { ...dataset, limit } }));
}

export function setRun(run: EvaluationRunState): void {
  useEvaluation.setState({ run });
}

/** A run begins. */
export function beginRun(purpose: RunPurpose): void {
  useEvaluation.setState({ purpose, run: { status: 'running', progress: undefined } });
}

export function setInterrupted(interrupted: InterruptedRun | undefined): void {
  useEvaluation.setState({ interrupted });
}

/** Whether a run is under way, be it paused. */
export function isRunning({ status }: EvaluationRunState): boolean {
  return status === 'running' || status === 'paused';
}

export function resetEvaluationStore(): void {
  source = undefined;
  useEvaluation.setState(initial, true);
}
