/** What the training client and its worker say to each other. Every reply names the call or the run it belongs to. */
import type { JobErrorData } from '@/jobs/api/job-error.ts';
import type {
  CheckpointInfo,
  DataFile,
  FeatureSummary,
  GateEvaluationRequest,
  ProbeProgress,
  ProbeRequest,
  ProbeResult,
  TrainingEvaluation,
  TrainingEvent,
  TrainingJobs,
  TrainingRequest,
} from '@/jobs/api/training.ts';

export type TrainingCall =
  | { readonly method: 'describeFeatures'; readonly files: readonly DataFile[] }
  | { readonly method: 'readHeads'; readonly files: readonly DataFile[] }
  | { readonly method: 'probe'; readonly request: ProbeRequest }
  | { readonly method: 'evaluateGate'; readonly request: GateEvaluationRequest }
  | { readonly method: 'checkpoints' }
  | { readonly method: 'removeCheckpoint'; readonly runId: string }
  | { readonly method: 'control'; readonly run: number; readonly action: 'pause' | 'resume' | 'stop' | 'checkpoint' };

export type TrainingDone =
  | { readonly method: 'describeFeatures'; readonly result: FeatureSummary }
  | { readonly method: 'readHeads'; readonly result: Awaited<ReturnType<TrainingJobs['readHeads']>> }
  | { readonly method: 'probe'; readonly result: ProbeResult }
  | { readonly method: 'evaluateGate'; readonly result: TrainingEvaluation }
  | { readonly method: 'checkpoints'; readonly result: readonly CheckpointInfo[] }
  | { readonly method: 'removeCheckpoint' }
  | { readonly method: 'control'; readonly checkpoint?: CheckpointInfo };

/** Client to worker. `run` and `id` count up separately. */
export type TrainingWorkerRequest =
  | { readonly kind: 'call'; readonly id: number; readonly call: TrainingCall }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'train'; readonly run: number; readonly request: TrainingRequest };

/** Worker to client. */
export type TrainingWorkerReply =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: ProbeProgress }
  | { readonly kind: 'done'; readonly id: number; readonly done: TrainingDone }
  | { readonly kind: 'failed'; readonly id: number; readonly error: JobErrorData }
  | { readonly kind: 'event'; readonly run: number; readonly event: TrainingEvent };

export function isTrainingDone<M extends TrainingDone['method']>(
  done: TrainingDone,
  method: M,
): done is Extract<TrainingDone, { readonly method: M }> {
  return done.method === method;
}
