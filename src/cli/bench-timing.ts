/** Times for benchmarks, on the wall and on the cores: on a busy machine the wall clock says more about its neighbours. */

export interface Timing {
  readonly wallMs: number;
  /** Processor time of the whole process. */
  readonly coreMs: number;
}

function stopwatch(): () => Timing {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { wallMs: performance.now() - startedAt, coreMs: (user + system) / 1000 };
  };
}

/** What `work` gave, and how long it took. */
export function timed<T>(work: () => T): { readonly result: T; readonly timing: Timing } {
  const stop = stopwatch();
  const result = work();
  return { result, timing: stop() };
}

export async function timedAsync<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly timing: Timing }> {
  const stop = stopwatch();
  const result = await work();
  return { result, timing: stop() };
}

/** The upper median; NaN of nothing. */
export function medianOf(timings: readonly Timing[], key: keyof Timing): number {
  return timings.map((timing) => timing[key]).toSorted((a, b) => a - b)[timings.length >> 1] ?? Number.NaN;
}

/** What it took undisturbed: the least; Infinity of nothing. */
export function leastOf(timings: readonly Timing[], key: keyof Timing): number {
  return Math.min(...timings.map((timing) => timing[key]));
}
