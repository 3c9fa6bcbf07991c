/**
 * One run of the gate's training: steps in slices, evaluations, checkpoints, pause, resume, stop, early stop. Knows no backend, no file
 * and no clock but those it is given, so the command line, a worker and a test run the same loop.
 *
 * Invariant: everything a run is lives in the trainer's state and in `LoopMemory`, both of which a checkpoint holds.
 */
import type { GateStepLog, GateTrainer, GateTrainerState } from '@/core/gate-trainer-backend.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { TrainedGate, TrainingEvaluation, TrainingEvent } from '@/jobs/api/training.ts';
import { evaluateTrainer } from './evaluate-gate.ts';
import type { PreparedTraining } from './prepare-training.ts';

/** What a run remembers besides the trainer's state. */
export interface LoopMemory {
  /** Least held-out loss so far, the step it was seen at, and the gate then. Only kept where the run may stop early. */
  readonly best?: { readonly loss: number; readonly step: number; readonly parameters: Float64Array };
  /** Evaluations since then. */
  readonly evaluationsSinceBest: number;
}

export interface LoopOptions {
  readonly steps: number;
  readonly evaluateEvery: number;
  readonly earlyStop: number;
  /** Steps between two checkpoints, of which there is one a minute at least where steps are slow; 0: none. */
  readonly checkpointEvery: number;
  readonly memory?: LoopMemory;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Lets the event loop run, so that pause and stop arrive. */
  readonly breathe: () => Promise<void>;
  readonly onEvent: (event: TrainingEvent) => void;
  /** Stores the run. */
  readonly save?: (state: GateTrainerState, memory: LoopMemory) => Promise<void>;
}

/** A slice of steps aims at this time, so that pause answers at once and messages stay few. */
const sliceMs = 150;
const longestSlice = 256;
/** What a closed page or a power cut may cost, besides the step under way. */
const longestUnsavedMs = 60_000;

export class TrainingLoop {
  private readonly prepared: PreparedTraining;
  private readonly trainer: GateTrainer;
  private readonly options: LoopOptions;
  private memory: LoopMemory;
  private paused = false;
  private stopped = false;
  private wake: (() => void) | undefined;
  private readonly wanted: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  private readonly standing: (() => void)[] = [];
  private latest: TrainingEvaluation | undefined;
  private ended = false;
  private savedAt = 0;

  constructor(prepared: PreparedTraining, trainer: GateTrainer, options: LoopOptions) {
    this.prepared = prepared;
    this.trainer = trainer;
    this.options = options;
    this.memory = options.memory ?? { evaluationsSinceBest: 0 };
  }

  /** Resolves when the run stands still. */
  pause(): Promise<void> {
    if (this.ended) return Promise.resolve();
    this.paused = true;
    return new Promise((resolve) => this.standing.push(resolve));
  }

  resume(): void {
    this.paused = false;
    this.wake?.();
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
  }

  /** Stores the run between two steps. */
  checkpoint(): Promise<void> {
    if (this.ended) return this.save();
    return new Promise((resolve, reject) => {
      this.wanted.push({ resolve, reject });
      this.wake?.();
    });
  }

  /** Runs to the end. @throws what the trainer throws. */
  async run(): Promise<TrainedGate> {
    const { steps, evaluateEvery, earlyStop, checkpointEvery, now, breathe } = this.options;
    const startedAt = now();
    this.savedAt = startedAt;
    const firstStep = this.trainer.stepsDone;
    let idleMs = 0;
    let slice = 1;
    let reason: TrainedGate['reason'] = 'finished';
    while (this.trainer.stepsDone < steps) {
      const stoodAt = now();
      await this.serveRequests();
      idleMs += now() - stoodAt;
      if (this.stopped) {
        reason = 'stopped';
        break;
      }
      const done = this.trainer.stepsDone;
      const limits = [steps, nextMultiple(done, evaluateEvery)];
      if (checkpointEvery > 0) limits.push(nextMultiple(done, checkpointEvery));
      const began = now();
      const logs = await this.trainer.steps(Math.min(slice, ...limits.map((limit) => limit - done)));
      const took = Math.max(1e-3, now() - began);
      slice = Math.max(1, Math.min(longestSlice, Math.round((logs.length * sliceMs) / took)));
      this.report(logs, firstStep, now() - startedAt - idleMs);
      const step = this.trainer.stepsDone;
      if (step % evaluateEvery === 0 || step === steps) {
        await this.evaluate();
        if (earlyStop > 0 && this.memory.evaluationsSinceBest >= earlyStop) {
          reason = 'early-stop';
          break;
        }
      }
      const due = step % checkpointEvery === 0 || now() - this.savedAt >= longestUnsavedMs;
      if (checkpointEvery > 0 && due && step < steps) await this.save();
      await breathe();
    }
    while (this.wanted.length > 0) await this.serveCheckpoints();
    for (const resolve of this.standing.splice(0)) resolve();
    this.ended = true;
    return this.result(reason);
  }

  private report(logs: readonly GateStepLog[], firstStep: number, elapsedMs: number): void {
    const done = this.trainer.stepsDone;
    const stepsPerSecond = (1000 * (done - firstStep)) / Math.max(1, elapsedMs);
    const secondsLeft = (this.options.steps - done) / stepsPerSecond;
    this.options.onEvent({ kind: 'step', steps: logs, stepsPerSecond, secondsLeft });
  }

  private async serveRequests(): Promise<void> {
    await this.serveCheckpoints();
    if (!this.paused || this.stopped) return;
    const { onEvent } = this.options;
    onEvent({ kind: 'paused', step: this.trainer.stepsDone });
    for (const resolve of this.standing.splice(0)) resolve();
    while (this.paused && !this.stopped) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      await this.serveCheckpoints();
    }
    this.wake = undefined;
    if (!this.stopped) onEvent({ kind: 'resumed', step: this.trainer.stepsDone });
  }

  private async serveCheckpoints(): Promise<void> {
    for (const { resolve, reject } of this.wanted.splice(0)) await this.save().then(resolve, reject);
  }

  private async save(): Promise<void> {
    await this.options.save?.(await this.trainer.state(), this.memory);
    this.savedAt = this.options.now();
  }

  private async evaluate(): Promise<void> {
    const evaluation = await evaluateTrainer(this.prepared, this.trainer);
    const { loss, step } = evaluation;
    const { best, evaluationsSinceBest } = this.memory;
    if (this.options.earlyStop > 0 && !(loss >= (best?.loss ?? Infinity))) {
      const { parameters } = await this.trainer.state();
      this.memory = { best: { loss, step, parameters }, evaluationsSinceBest: 0 };
    } else this.memory = { ...(best === undefined ? {} : { best }), evaluationsSinceBest: evaluationsSinceBest + 1 };
    this.latest = evaluation;
    this.options.onEvent({ kind: 'eval', evaluation });
  }

  private async result(reason: TrainedGate['reason']): Promise<TrainedGate> {
    const { head } = this.prepared;
    const best = reason === 'early-stop' ? this.memory.best : undefined;
    const { gate, beta } = await (best === undefined ? this.trainer.gate() : this.trainer.gateOf(best.parameters));
    const full: RewardHead = { ...head, gate };
    const step = best?.step ?? this.trainer.stepsDone;
    return { reason, step, head: full, beta, ...(this.latest === undefined ? {} : { evaluation: this.latest }) };
  }
}

/** The first multiple of `every` after `done`. */
function nextMultiple(done: number, every: number): number {
  return (Math.floor(done / every) + 1) * every;
}
