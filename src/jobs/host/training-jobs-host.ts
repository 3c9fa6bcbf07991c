/** `TrainingJobs` in this thread: what a worker serves to the page, and what tests drive directly. */
import { openFeatureShards } from '@/formats/feature-shards.ts';
import { readHeadParts } from '@/formats/head-files.ts';
import type { DataWarning } from '@/formats/preference-pairs.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type {
  DataFile,
  FeatureSummary,
  GateEvaluationRequest,
  JobOptions,
  ProbeProgress,
  ProbeRequest,
  TrainingEvent,
  TrainingJobs,
  TrainingRequest,
  TrainingRun,
} from '@/jobs/api/training.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { evaluateGate } from './evaluate-gate.ts';
import { jobErrorFrom } from './job-errors.ts';
import { probe } from './probe.ts';
import { startTraining, type TrainingTools } from './start-training.ts';

export interface JobsTools extends TrainingTools {
  readonly checkpoints: CheckpointStore;
  /** Bytes for the matrices of stage 1. */
  readonly probeBytes: number;
}

/** Rows of labels in one read. */
const labelRows = 65_536;
/** Pairs below which a summary warns. */
const fewRows = 100;

export class TrainingJobsHost implements TrainingJobs {
  private readonly tools: JobsTools;
  private running: TrainingRun | undefined;
  private disposed = false;

  constructor(tools: JobsTools) {
    this.tools = tools;
  }

  describeFeatures(files: readonly DataFile[], { signal }: JobOptions<never> = {}): Promise<FeatureSummary> {
    return this.guard(async () => {
      const sources = await Promise.all(files.map((file) => this.tools.openFile(file)));
      const shards = await openFeatureShards(sources, signal);
      const { layout, rows, hiddenSize } = shards;
      const bytes = sources.reduce((sum, { size }) => sum + size, 0);
      const dtypes = [...new Set(shards.files.map(({ features }) => features.dtype))];
      const warnings: DataWarning[] = [];
      if (rows < fewRows)
        warnings.push({
          code: 'few-rows',
          message: `There are only ${rows} rows: nothing learned from so few will hold for others.`,
        });
      const common = {
        rows,
        featureSize: hiddenSize,
        dtype: dtypes.join(' and '),
        bytes,
        shards: shards.shards,
        warnings,
      };
      if (layout === 'stage-2') {
        const promptRows = shards.files.some(({ features }) => features.promptRows === 2) ? 2 : 1;
        return { layout, ...common, promptRows };
      }
      const k = shards.objectives;
      if (k === undefined) return { layout, ...common };
      const labelled = Array.from({ length: k }, () => 0);
      for (let first = 0; first < rows; first += labelRows) {
        const labels = await shards.readLabels(first, Math.min(labelRows, rows - first), signal);
        for (let i = 0; i < labels.length; i++) if (!Number.isNaN(labels[i])) labelled[i % k]!++;
      }
      return { layout, ...common, objectives: k, labelled };
    });
  }

  readHeads(files: readonly DataFile[], { signal }: JobOptions<never> = {}) {
    return this.guard(async () =>
      readHeadParts(await Promise.all(files.map((file) => this.tools.openFile(file))), signal),
    );
  }

  probe(request: ProbeRequest, options: JobOptions<ProbeProgress> = {}) {
    const { openFile, breathe, probeBytes } = this.tools;
    return this.guard(() => probe(request, { openFile, breathe, memoryBytes: probeBytes }, options));
  }

  evaluateGate(request: GateEvaluationRequest, options: JobOptions<never> = {}) {
    return this.guard(() => evaluateGate(request, this.tools, options));
  }

  train(request: TrainingRequest, onEvent: (event: TrainingEvent) => void): TrainingRun {
    const refused = this.disposed
      ? 'Training has been shut down. Reload the page.'
      : this.running === undefined
        ? undefined
        : `The run ${this.running.runId} is still going. Stop it first: two at once would only slow each other down.`;
    if (refused !== undefined)
      return endedRun(request.runId, new JobError({ code: 'bad-input', message: refused }), onEvent);
    const run = startTraining(request, this.tools, onEvent);
    this.running = run;
    void run.ended.then(() => {
      this.running = undefined;
    });
    return run;
  }

  checkpoints() {
    return this.guard(() => this.tools.checkpoints.list());
  }

  removeCheckpoint(runId: string): Promise<void> {
    return this.guard(() => this.tools.checkpoints.remove(runId));
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.running?.stop();
  }

  private async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw jobErrorFrom(error);
    }
  }
}

/** A run that failed before it began. */
export function endedRun(runId: string, error: JobError, onEvent: (event: TrainingEvent) => void): TrainingRun {
  const event = { kind: 'failed', error: error.toData() } as const;
  const nothing = async (): Promise<void> => undefined;
  const ended = Promise.resolve(event).then((last) => {
    onEvent(last);
    return last;
  });
  return { runId, ended, pause: nothing, resume: nothing, stop: nothing, checkpoint: () => Promise.reject(error) };
}
