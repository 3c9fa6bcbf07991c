/**
 * The curves of a training run: typed arrays that grow as steps arrive, kept outside React and outside the store, thinned for
 * drawing. What is thinned keeps its first, last, lowest and highest points: a spike stays a spike.
 */
import { assert } from '@/base/assert.ts';
import type { TrainingEvaluation, TrainingStep } from '@/jobs/api/training.ts';

export const stepQuantities = ['loss', 'accuracy', 'gateEntropy', 'beta', 'learningRate'] as const;
export const evaluationQuantities = ['loss', 'accuracy', 'gateEntropy'] as const;
export type StepQuantity = (typeof stepQuantities)[number];
export type EvaluationQuantity = (typeof evaluationQuantities)[number];

/** Numbers by step; `y` may hold NaN. */
export interface Curve {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Rows of a few numbers, the first of them the step, rising. */
class GrowingTable {
  readonly columns: number;
  private values: Float64Array;
  private rows = 0;

  constructor(columns: number, values = new Float64Array(0)) {
    this.columns = columns;
    this.values = values;
    this.rows = values.length / columns;
    assert(Number.isInteger(this.rows), () => `${values.length} values do not make rows of ${columns}`);
  }

  get length(): number {
    return this.rows;
  }

  append(row: readonly number[]): void {
    assert(row.length === this.columns, () => `a row of ${row.length} values, ${this.columns} expected`);
    const end = this.rows * this.columns;
    if (end + this.columns > this.values.length) {
      const larger = new Float64Array(Math.max(64 * this.columns, 2 * this.values.length));
      larger.set(this.values.subarray(0, end));
      this.values = larger;
    }
    this.values.set(row, end);
    this.rows += 1;
  }

  /** Forgets what came after `step`: a run that goes on from a checkpoint does those steps anew. */
  forgetAfter(step: number): void {
    while (this.rows > 0 && this.values[(this.rows - 1) * this.columns]! > step) this.rows -= 1;
  }

  column(index: number): Float64Array {
    const { rows, columns, values } = this;
    const column = new Float64Array(rows);
    for (let row = 0; row < rows; row++) column[row] = values[row * columns + index]!;
    return column;
  }

  /** A copy, as long as its rows. */
  stored(): Float64Array {
    return this.values.slice(0, this.rows * this.columns);
  }
}

/** As kept on this machine. */
export interface StoredCurves {
  /** `[n, 1 + stepQuantities]`. */
  readonly steps: Float64Array;
  /** `[m, 1 + evaluationQuantities]`. */
  readonly evaluations: Float64Array;
}

export class TrainingCurves {
  private readonly steps: GrowingTable;
  private readonly evaluations: GrowingTable;

  constructor(stored?: StoredCurves) {
    this.steps = new GrowingTable(1 + stepQuantities.length, stored?.steps.slice());
    this.evaluations = new GrowingTable(1 + evaluationQuantities.length, stored?.evaluations.slice());
  }

  get stepCount(): number {
    return this.steps.length;
  }

  get evaluationCount(): number {
    return this.evaluations.length;
  }

  appendSteps(steps: readonly TrainingStep[]): void {
    for (const step of steps) this.steps.append([step.step, ...stepQuantities.map((quantity) => step[quantity])]);
  }

  appendEvaluation(evaluation: TrainingEvaluation): void {
    this.evaluations.append([evaluation.step, ...evaluationQuantities.map((quantity) => evaluation[quantity])]);
  }

  forgetAfter(step: number): void {
    this.steps.forgetAfter(step);
    this.evaluations.forgetAfter(step);
  }

  ofSteps(quantity: StepQuantity): Curve {
    return { x: this.steps.column(0), y: this.steps.column(1 + stepQuantities.indexOf(quantity)) };
  }

  ofEvaluations(quantity: EvaluationQuantity): Curve {
    return { x: this.evaluations.column(0), y: this.evaluations.column(1 + evaluationQuantities.indexOf(quantity)) };
  }

  stored(): StoredCurves {
    return { steps: this.steps.stored(), evaluations: this.evaluations.stored() };
  }
}

/**
 * At most `mostPoints` of a curve (≥ 4): as it is where it fits, otherwise of every stretch of steps its lowest and highest point
 * in their order, with the first and the last of all.
 */
export function thinned({ x, y }: Curve, mostPoints: number): Curve {
  assert(mostPoints >= 4, () => `a curve cannot be thinned to ${mostPoints} points`);
  const n = x.length;
  if (n <= mostPoints) return { x, y };
  const kept: number[] = [0];
  const stretches = Math.floor((mostPoints - 2) / 2);
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = 1 + Math.floor((stretch * (n - 2)) / stretches);
    const to = 1 + Math.floor(((stretch + 1) * (n - 2)) / stretches);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (y[i]! < y[low]!) low = i;
      if (y[i]! > y[high]!) high = i;
    }
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  kept.push(n - 1);
  return { x: Float64Array.from(kept, (i) => x[i]!), y: Float64Array.from(kept, (i) => y[i]!) };
}

/** Curves over one rising x, as a chart wants them: `undefined` where a curve has no point at that x, gaps to be joined over. */
export interface AlignedCurves {
  readonly x: readonly number[];
  readonly ys: readonly (readonly (number | undefined)[])[];
}

export function aligned(curves: readonly Curve[]): AlignedCurves {
  const x = [...new Set(curves.flatMap((curve) => [...curve.x]))].sort((a, b) => a - b);
  const place = new Map(x.map((value, index) => [value, index]));
  const ys = curves.map((curve) => {
    const column = Array.from<number | undefined>({ length: x.length });
    for (const [i, value] of curve.x.entries()) column[place.get(value)!] = curve.y[i];
    return column;
  });
  return { x, ys };
}

/**
 * Ends of a scale for numbers from `least` to `most`, a twentieth wider than they are. Numbers that hardly differ are shown as flat:
 * ticks between them would all read the same, and closer than doubles are, they would never end.
 */
export function readableRange(least: number, most: number): [low: number, high: number] {
  if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
  const size = Math.max(Math.abs(least), Math.abs(most));
  if (size < 1e-300) return [-1, 1];
  const span = Math.max(most - least, leastSpan * size);
  const middle = least / 2 + most / 2;
  // What is never negative is not shown as if it were.
  const low = middle - 0.55 * span;
  return [least >= 0 && low < 0 ? 0 : low, middle + 0.55 * span];
}

/** Of the numbers' size: five significant digits tell the ticks apart. */
const leastSpan = 5e-4;
