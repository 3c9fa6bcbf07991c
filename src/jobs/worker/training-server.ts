/** Answers the client's messages with `TrainingJobs`; the worker's half, without the worker, so that it can be tested in the thread. */
import { JobError } from '@/jobs/api/job-error.ts';
import type { ProbeProgress, TrainingJobs, TrainingRun } from '@/jobs/api/training.ts';
import { jobErrorFrom } from '@/jobs/host/job-errors.ts';
import type { TrainingCall, TrainingDone, TrainingWorkerReply, TrainingWorkerRequest } from './training-protocol.ts';

/** The part of a worker's global scope, or of a `MessagePort`, that is used here. */
export interface TrainingPort {
  postMessage(message: TrainingWorkerReply): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<TrainingWorkerRequest>) => void): void;
}

export function serveTraining(jobs: TrainingJobs, port: TrainingPort): void {
  const calls = new Map<number, AbortController>();
  const runs = new Map<number, TrainingRun>();

  const answer = async (id: number, call: TrainingCall): Promise<void> => {
    const controller = new AbortController();
    calls.set(id, controller);
    try {
      port.postMessage({ kind: 'done', id, done: await perform(id, call, controller.signal) });
    } catch (error) {
      port.postMessage({ kind: 'failed', id, error: jobErrorFrom(error).toData() });
    } finally {
      calls.delete(id);
    }
  };

  const perform = async (id: number, call: TrainingCall, signal: AbortSignal): Promise<TrainingDone> => {
    const { method } = call;
    switch (method) {
      case 'describeFeatures':
        return { method, result: await jobs.describeFeatures(call.files, { signal }) };
      case 'readHeads':
        return { method, result: await jobs.readHeads(call.files, { signal }) };
      case 'probe': {
        const onProgress = (progress: ProbeProgress) => port.postMessage({ kind: 'progress', id, progress });
        return { method, result: await jobs.probe(call.request, { signal, onProgress }) };
      }
      case 'evaluateGate':
        return { method, result: await jobs.evaluateGate(call.request, { signal }) };
      case 'checkpoints':
        return { method, result: await jobs.checkpoints() };
      case 'removeCheckpoint':
        await jobs.removeCheckpoint(call.runId);
        return { method };
      case 'control':
    }
    const run = runs.get(call.run);
    if (run === undefined) {
      if (call.action !== 'checkpoint') return { method };
      throw new JobError({ code: 'bad-input', message: 'The run has ended.' });
    }
    if (call.action === 'checkpoint') return { method, checkpoint: await run.checkpoint() };
    await run[call.action]();
    return { method };
  };

  port.addEventListener('message', ({ data }) => {
    if (data.kind === 'abort') calls.get(data.id)?.abort();
    else if (data.kind === 'call') void answer(data.id, data.call);
    else {
      const { run, request } = data;
      const handle = jobs.train(request, (event) => port.postMessage({ kind: 'event', run, event }));
      runs.set(run, handle);
      void handle.ended.then(() => runs.delete(run));
    }
  });
}
