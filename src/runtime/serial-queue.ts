/**
 * One job at a time, in the order of the calls. ONNX Runtime's `create` and `run` fail, return zeros or crash when they overlap
 * (runtime.md "Weights"), and the engine promises that its calls do not overlap either.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `job` when every job before it has settled, and settles with it. A failed job does not stop the ones behind it. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
