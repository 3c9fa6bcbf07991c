/** Progress on the terminal: one line that is rewritten, or a line now and then where the output is not a terminal. */
export interface ProgressState {
  readonly done: number;
  readonly total: number;
  /** What is counted, e.g. `lines`. */
  readonly unit: string;
  /** After the bar, e.g. `1,234 tokens/s`. */
  readonly note?: string;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const barWidth = 24;
const terminalIntervalMs = 100;
/** Logs of a long run stay short. */
const logIntervalMs = 10_000;

export class ProgressBar {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #startedAt: number;
  /** Done before this run began; the rate is of this run. */
  readonly #alreadyDone: number;
  #drawnAt = -Infinity;

  constructor(stream: ProgressStream, alreadyDone = 0, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#alreadyDone = alreadyDone;
    this.#now = now;
    this.#startedAt = now();
  }

  update(state: ProgressState): void {
    const now = this.#now();
    if (now - this.#drawnAt < (this.#stream.isTTY === true ? terminalIntervalMs : logIntervalMs)) return;
    this.#drawnAt = now;
    this.#draw(state);
  }

  /** Draws the last state and ends the line. */
  finish(state: ProgressState): void {
    this.#draw(state);
    if (this.#stream.isTTY === true) this.#stream.write('\n');
  }

  #draw(state: ProgressState): void {
    const text = describeProgress(state, this.#alreadyDone, (this.#now() - this.#startedAt) / 1000);
    if (this.#stream.isTTY === true) {
      const width = (this.#stream.columns ?? 100) - 1;
      this.#stream.write(`\r${text.slice(0, width).padEnd(width)}`);
    } else this.#stream.write(`${text}\n`);
  }
}

/** The line: bar, percentage, counts, rate of this run, time left. */
export function describeProgress(state: ProgressState, alreadyDone: number, elapsedSeconds: number): string {
  const { done, total, unit, note } = state;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`;
  const rate = elapsedSeconds > 0 ? (done - alreadyDone) / elapsedSeconds : 0;
  const left = done >= total ? '' : rate > 0 ? `, ${formatDuration((total - done) / rate)} left` : '';
  const counts = `${done.toLocaleString('en')}/${total.toLocaleString('en')} ${unit}`;
  return `${bar} ${Math.floor(share * 100)}% ${counts}, ${rate.toFixed(rate < 10 ? 2 : 0)} ${unit}/s${left}${note === undefined ? '' : `, ${note}`}`;
}

/** `7 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
