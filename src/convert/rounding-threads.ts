/**
 * A `SlabRounder` on threads: Node's or the browser's, which the caller starts. A slab is copied once and its memory goes to the
 * thread, so that matrices stay where they are.
 *
 * Threads are started by the first slab that is worth it, and end with `close`, which also ends what they are doing: an interrupted
 * conversion leaves none behind.
 */
import { defined } from '@/base/assert.ts';
import {
  roundHere,
  type RoundingReply,
  type RoundingRequest,
  type SlabForm,
  type SlabForms,
  type SlabRounder,
} from './slab-rounder.ts';

/** One thread that answers requests in order. */
export interface RoundingThread {
  post(request: RoundingRequest, transfer: ArrayBuffer[]): void;
  terminate(): void;
}

export interface RoundingListener {
  reply(reply: RoundingReply): void;
  /** The thread is of no use any more. */
  failed(error: Error): void;
}

export interface ThreadedRounder extends SlabRounder {
  close(): void;
}

export interface RoundingThreadsOptions {
  readonly threads: number;
  readonly start: (listener: RoundingListener) => RoundingThread;
  /** Slabs with fewer values are rounded here: a thread would cost more than it brings. */
  readonly leastValues?: number;
}

/** About 50 ms of rounding; a thread starts in a few times that. */
const LEAST_VALUES = 1024 * 1024;
/** Slabs that wait with each thread while this one is busy with something else. */
const SLABS_PER_THREAD = 3;

interface Waiting {
  readonly resolve: (reply: RoundingReply) => void;
  readonly reject: (error: Error) => void;
}

/** One thread brings nothing beside this one: then everything is rounded here. */
export function threadedRounder({
  threads,
  start,
  leastValues = LEAST_VALUES,
}: RoundingThreadsOptions): ThreadedRounder {
  if (threads < 2) return { ...roundHere, close: () => undefined };
  const waiting = new Map<number, Waiting>();
  const loads: { readonly thread: RoundingThread; waiting: number }[] = [];
  let failure: Error | undefined;
  let nextId = 1;

  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
    for (const { thread } of loads) thread.terminate();
    loads.length = 0;
  };

  const startAll = (): void => {
    while (loads.length < threads) {
      const load = {
        thread: start({
          reply(reply) {
            load.waiting--;
            waiting.get(reply.id)?.resolve(reply);
            waiting.delete(reply.id);
          },
          failed: fail,
        }),
        waiting: 0,
      };
      loads.push(load);
    }
  };

  return {
    atOnce: threads * SLABS_PER_THREAD,
    async round<F extends SlabForm>(form: F, values: Float32Array<ArrayBuffer>, blockSize: number) {
      if (values.length < leastValues) return roundHere.round(form, values, blockSize);
      if (failure !== undefined) throw failure;
      startAll();
      const load = loads.reduce((least, each) => (each.waiting < least.waiting ? each : least));
      const id = nextId++;
      const reply = new Promise<RoundingReply>((resolve, reject) => waiting.set(id, { resolve, reject }));
      load.waiting++;
      const copy = values.slice();
      load.thread.post({ id, form, values: copy, blockSize }, [copy.buffer]);
      const blocks: SlabForms[F] | undefined = (await reply).blocks[form];
      return defined(blocks, 'the form that was asked for');
    },
    close: () => fail(new Error('the threads that round were closed')),
  };
}
