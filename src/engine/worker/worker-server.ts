/** Answers the client's messages with an engine; the worker's half, without the worker, so that it can be tested in the thread. */
import { EngineError } from '@/engine/api/errors.ts';
import type { CallOptions, RewardEngine } from '@/engine/api/reward-engine.ts';
import type { EngineCall, EngineDone, WorkerReply, WorkerRequest } from './protocol.ts';

/** The part of a worker's global scope, or of a `MessagePort`, that is used here. */
export interface ServerPort {
  postMessage(message: WorkerReply, options: { transfer: ArrayBuffer[] }): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<WorkerRequest>) => void): void;
}

export function serveEngine(engine: RewardEngine, port: ServerPort): void {
  const running = new Map<number, AbortController>();
  const reply = (message: WorkerReply, transfer: ArrayBuffer[] = []): void => port.postMessage(message, { transfer });

  const answer = async (id: number, call: EngineCall): Promise<void> => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const done = await perform(engine, call, {
        signal: controller.signal,
        // A `result` is cloned here, not transferred: the same arrays are part of the call's result.
        onProgress: (progress) => reply({ kind: 'progress', id, progress }),
      });
      reply({ kind: 'done', id, done }, buffersOf(done));
    } catch (error) {
      reply({ kind: 'failed', id, error: EngineError.from(error).toData() });
    } finally {
      running.delete(id);
    }
  };

  port.addEventListener('message', ({ data }) => {
    if (data.kind === 'abort') running.get(data.id)?.abort();
    else void answer(data.id, data.call);
  });
}

async function perform(engine: RewardEngine, call: EngineCall, options: CallOptions): Promise<EngineDone> {
  const { method } = call;
  switch (method) {
    case 'load':
      return { method, result: await engine.load(call.source, { ...call.options, ...options }) };
    case 'score':
      return { method, result: await engine.score(call.request, options) };
    case 'tokenize':
      return { method, result: await engine.tokenize(call.messages, call.response, options) };
    case 'device':
      return { method, result: await engine.device() };
    case 'unload':
  }
  await engine.unload();
  return { method };
}

/** The buffers of a result's arrays, each once (responses of one prompt may share their gate's feature). */
function buffersOf(done: EngineDone): ArrayBuffer[] {
  const arrays: (Float64Array | Float32Array | Int32Array | undefined)[] = [];
  if (done.method === 'tokenize') arrays.push(done.result.tokenIds);
  if (done.method === 'score')
    for (const { rewards, adjustedRewards, gateLogits, gateWeights, coefficients, feature, gateFeature } of done.result
      .responses)
      arrays.push(rewards, adjustedRewards, gateLogits, gateWeights, coefficients, feature, gateFeature);
  const buffers = arrays.map((array) => array?.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  return [...new Set(buffers)];
}
