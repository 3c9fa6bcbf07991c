/**
 * The loss of a backend's device, for those who wait for its work. Not `Promise.race` with `backend.lost`: a race leaves a
 * reaction, and with it the result of every call, on a promise that lives as long as the device.
 */
import { EngineError } from '@/engine/api/errors.ts';
import type { Backend } from '@/runtime/backend.ts';

/** How long an error waits for the device's own loss report: in-flight errors look unrelated and come first. */
const lossGraceMs = 250;

export class DeviceLoss {
  readonly #waiting = new Set<(error: EngineError) => void>();
  #error: EngineError | undefined;

  constructor(backend: Pick<Backend, 'lost'>) {
    void backend.lost.then((reason) => {
      const error = new EngineError({ code: 'device-lost', message: 'The graphics device was lost.', detail: reason });
      this.#error = error;
      for (const report of this.#waiting) report(error);
      this.#waiting.clear();
    });
  }

  /** Calls waiting now. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Settles as `work` does, or rejects with `device-lost` as soon as the device is lost; `work` is then left to itself. */
  async guard<T>(work: Promise<T>): Promise<T> {
    if (this.#error !== undefined) {
      work.catch(() => undefined);
      throw this.#error;
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** True when the device behind an error is gone; waits a moment for its report. */
  async happened(): Promise<boolean> {
    if (this.#error !== undefined) return true;
    return new Promise<boolean>((resolve) => {
      const report = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(report);
        resolve(false);
      }, lossGraceMs);
      this.#waiting.add(report);
    });
  }
}
