/** What becomes of calls when a worker dies, cannot load, or loses its device. */
import { describe, expect, test } from 'vitest';
import { EngineError } from '@/engine/api/errors.ts';
import type { ModelSource, ScoreRequest } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';
import { createWorkerEngine } from './worker-client.ts';
import type { EngineWorker } from './worker-client.ts';
import { serveEngine } from './worker-server.ts';

const source: ModelSource = { kind: 'url', url: 'fake:' };
const request: ScoreRequest = { messages: [{ role: 'user', content: 'Why?' }], responses: ['Because.'] };

type Listener = (event: Event) => void;

/** A worker over an engine in the thread, with levers. */
class TestWorker implements EngineWorker {
  readonly received: WorkerRequest[] = [];
  terminated = false;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #serve: ((message: WorkerRequest) => void) | undefined;

  /** @param engine absent: nothing ever answers. */
  constructor(engine?: RewardEngine) {
    if (engine === undefined) return;
    let serve: ((event: MessageEvent<WorkerRequest>) => void) | undefined;
    serveEngine(engine, {
      postMessage: (data: WorkerReply, { transfer }) => this.emit('message', structuredClone(data, { transfer })),
      addEventListener: (_type, listener) => {
        serve = listener;
      },
    });
    this.#serve = (data) => serve?.(new MessageEvent('message', { data }));
  }
  postMessage(message: WorkerRequest): void {
    const cloned = structuredClone(message);
    this.received.push(cloned);
    queueMicrotask(() => this.#serve?.(cloned));
  }
  addEventListener(type: string, listener: unknown): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener as Listener]);
  }
  terminate(): void {
    this.terminated = true;
  }
  emit(type: string, data?: unknown): void {
    if (this.terminated) return;
    const event =
      type === 'error' ? Object.assign(new Event('error'), { message: data }) : new MessageEvent(type, { data });
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
  methods(): string[] {
    return this.received.map((message) => (message.kind === 'call' ? message.call.method : message.kind));
  }
}

/** A client whose workers are handed out in order. */
function clientOver(...workers: TestWorker[]): RewardEngine {
  const left = [...workers];
  return createWorkerEngine(() => {
    const worker = left.shift();
    if (worker === undefined) throw new Error('no more workers');
    return worker;
  });
}

async function code(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof EngineError ? error.code : `not an EngineError: ${String(error)}`),
  );
}

describe('a worker that ends', () => {
  test.each([
    ['error', 'it threw'],
    ['error', undefined],
    ['messageerror', undefined],
  ])('%s (%s) rejects every call in flight', async (event, data) => {
    const worker = new TestWorker();
    const client = clientOver(worker);
    const calls = [code(client.load(source)), code(client.device()), code(client.score(request))];
    // `score` waits a turn for its model.
    await Promise.resolve();
    worker.emit(event, data);
    expect(await Promise.all(calls)).toEqual(['internal', 'internal', 'internal']);
    expect(worker.terminated).toBe(true);
  });

  test('a worker that cannot even be made rejects', async () => {
    expect(await code(clientOver().load(source))).toBe('internal');
    expect(await code(clientOver().device())).toBe('internal');
  });

  test('the next call starts a fresh worker, which loads the same model first', async () => {
    const [first, second] = [new TestWorker(createFakeEngine()), new TestWorker(createFakeEngine())];
    const client = clientOver(first, second);
    await client.load(source, { provider: 'wasm', verifyHashes: false });
    const before = await client.score(request);
    first.emit('error', 'gone');
    const [after, tokens] = await Promise.all([client.score(request), client.tokenize(request.messages, 'x')]);
    expect(after.responses[0]?.score).toBe(before.responses[0]?.score);
    expect(tokens.tokenIds.length).toBeGreaterThan(0);
    expect(second.methods().filter((method) => method === 'load')).toHaveLength(1);
    expect(second.received[0]).toMatchObject({
      call: { method: 'load', source, options: { provider: 'wasm', verifyHashes: false } },
    });
  });

  test('a model that was unloaded is not loaded again', async () => {
    const [first, second] = [new TestWorker(createFakeEngine()), new TestWorker(createFakeEngine())];
    const client = clientOver(first, second);
    await client.load(source);
    await client.unload();
    first.emit('error');
    expect(await code(client.score(request))).toBe('no-model');
    expect(second.methods()).toEqual(['score']);
  });
});

describe('a device that is lost for good', () => {
  const lost = new EngineError({ code: 'device-lost', message: 'The graphics device was lost.', detail: 'x' });

  test('is tried once more in a fresh worker', async () => {
    const [first, second] = [new TestWorker(createFakeEngine({ failScore: lost })), new TestWorker(createFakeEngine())];
    const client = clientOver(first, second);
    await client.load(source);
    expect((await client.score(request)).responses).toHaveLength(1);
    expect(first.terminated).toBe(true);
  });

  test('and is reported when that fails too', async () => {
    const client = clientOver(
      new TestWorker(createFakeEngine({ failScore: lost })),
      new TestWorker(createFakeEngine({ failScore: lost })),
    );
    await client.load(source);
    const error: unknown = await client.score(request).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).toData()).toEqual(lost.toData());
  });
});

test('an aborted call rejects at once, tells the worker, and its late answer is ignored', async () => {
  const worker = new TestWorker();
  const client = clientOver(worker);
  const controller = new AbortController();
  const call = code(client.load(source, { signal: controller.signal }));
  controller.abort();
  expect(await call).toBe('aborted');
  expect(worker.received.map(({ kind, id }) => [kind, id])).toEqual([
    ['call', 1],
    ['abort', 1],
  ]);
  worker.emit('message', { kind: 'failed', id: 1, error: { code: 'internal', message: 'late' } });
});

test('what cannot be cloned is refused, not sent', async () => {
  const client = clientOver(new TestWorker(createFakeEngine()));
  const uncloneable = { ...request, responses: [(() => undefined) as unknown as string] };
  expect(await code(client.score(uncloneable))).toBe('bad-input');
});

test('results keep their arrays through the transfer, shared ones too', async () => {
  const client = clientOver(new TestWorker(createFakeEngine()));
  await client.load(source);
  const { responses } = await client.score({ ...request, features: true });
  expect(responses[0]?.rewards).toHaveLength(19);
  expect(responses[0]?.feature?.length).toBeGreaterThan(0);
});
