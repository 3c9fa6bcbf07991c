/**
 * `--features`: rows are appended to `PATH.partial` as they are computed and become the authors' layout at the end, when it is
 * known how many there are (a bad line gives none).
 */
import { rename, rm, stat, truncate } from 'node:fs/promises';
import { isJsonObject } from '@/formats/json-file.ts';
import type { ExtraFields } from '@/formats/score-lines.ts';
import { Stage1Writer, Stage2Writer } from '@/formats/feature-files.ts';
import { diskSink, diskSource } from './disk-files.ts';
import type { DiskSink } from './disk-files.ts';

export interface FeatureShape {
  /** Stage 1 holds single responses, stage 2 pairs. */
  readonly kind: 'responses' | 'pairs';
  readonly hiddenSize: number;
  /** Objective names: the labels of stage 1. */
  readonly objectives: readonly string[];
}

/** f32 values of one row of the partial file. */
function rowLength({ kind, hiddenSize, objectives }: FeatureShape): number {
  return kind === 'pairs' ? 4 * hiddenSize : hiddenSize + objectives.length;
}

export function partialPath(path: string): string {
  return `${path}.partial`;
}

/** True when the partial file holds at least `rows` rows. */
export async function hasRows(path: string, shape: FeatureShape, rows: number): Promise<boolean> {
  return stat(partialPath(path)).then(
    ({ size }) => size >= rows * rowLength(shape) * 4,
    () => rows === 0,
  );
}

export class FeatureRows {
  readonly #path: string;
  readonly #shape: FeatureShape;
  readonly #sink: DiskSink;
  #rows: number;

  private constructor(path: string, shape: FeatureShape, sink: DiskSink, rows: number) {
    this.#path = path;
    this.#shape = shape;
    this.#sink = sink;
    this.#rows = rows;
  }

  /** @param rows kept from an earlier run; what lies behind them is cut. */
  static async open(path: string, shape: FeatureShape, rows: number): Promise<FeatureRows> {
    if (rows > 0) await truncate(partialPath(path), rows * rowLength(shape) * 4);
    return new FeatureRows(path, shape, await diskSink(partialPath(path), { keep: rows > 0 }), rows);
  }

  get rows(): number {
    return this.#rows;
  }

  /**
   * @param parts stage 1: feature [d], labels [k]; stage 2: chosen, rejected, chosen's prompt, rejected's prompt, each [d].
   */
  async append(parts: readonly Float32Array[]): Promise<void> {
    const length = rowLength(this.#shape);
    const row = new Float32Array(length);
    let filled = 0;
    for (const part of parts) {
      row.set(part, filled);
      filled += part.length;
    }
    if (filled !== length) throw new RangeError(`a feature row has ${filled} values, ${length} expected`);
    await this.#sink.writeAt(this.#rows * length * 4, new Uint8Array(row.buffer));
    this.#rows += 1;
  }

  /** Closes the partial file; it stays for another run. */
  close(): Promise<void> {
    return this.#sink.close();
  }

  /** Writes the safetensors file and removes the partial one. */
  async finish(): Promise<void> {
    await this.#sink.close();
    const partial = await diskSource(partialPath(this.#path));
    if (partial === undefined) throw new Error(`${partialPath(this.#path)} has vanished`);
    const { kind, hiddenSize: d, objectives } = this.#shape;
    const written = await diskSink(`${this.#path}.new`);
    try {
      const bytes = rowLength(this.#shape) * 4;
      const stage1 = kind === 'responses' ? new Stage1Writer(written, this.#rows, d, objectives.length) : undefined;
      const stage2 = kind === 'pairs' ? new Stage2Writer(written, this.#rows, d) : undefined;
      for (let row = 0; row < this.#rows; row++) {
        const values = new Float32Array((await partial.read(row * bytes, bytes)).buffer);
        await stage1?.append(values.subarray(0, d), values.subarray(d));
        await stage2?.append({
          chosen: values.subarray(0, d),
          rejected: values.subarray(d, 2 * d),
          chosenPrompt: values.subarray(2 * d, 3 * d),
          rejectedPrompt: values.subarray(3 * d),
        });
      }
      await stage1?.finish();
      await stage2?.finish();
    } finally {
      await written.close();
    }
    await rename(`${this.#path}.new`, this.#path);
    await rm(partialPath(this.#path), { force: true });
  }
}

/**
 * Labels of a line: fields named like the objectives, as in the authors' multi-objective data, or a field `labels` that is an array
 * in the manifest's order or an object by name. NaN where there is none.
 * @returns f32 [objectives.length].
 */
export function labelsOf(extra: ExtraFields, objectives: readonly string[]): Float32Array {
  const parsed = (key: string): unknown => {
    const json = extra.get(key);
    return json === undefined ? undefined : JSON.parse(json);
  };
  const labels = parsed('labels');
  const named = isJsonObject(labels) ? labels : {};
  const listed: readonly unknown[] = Array.isArray(labels) ? labels : [];
  return Float32Array.from(objectives, (name, index) => {
    const value = parsed(name) ?? named[name] ?? listed[index];
    return typeof value === 'number' ? value : Number.NaN;
  });
}
