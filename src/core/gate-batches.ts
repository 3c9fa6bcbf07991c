/** Which pairs a training step sees: seeded epochs, draws with replacement, or all of them; a function of the step alone. */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';

/** An independent seed for each use of a run's seed. */
export function seedOf(seed: number, use: number): number {
  return (seed % 2 ** 21) * 2 ** 32 + (use % 2 ** 32);
}

export interface BatchPlan {
  /** Pairs to choose from: indices, or how many (0 … n − 1). */
  readonly pairs: Uint32Array | number;
  /** `all`: every pair, in the given order, at every step. */
  readonly batchSize: number | 'all';
  readonly seed: number;
  /** Draw with replacement, as the authors' script does. Default: epochs in a new random order each. */
  readonly replacement?: boolean;
  /** The pairs of every step, as another implementation drew them: index by step, each `batchSize` long. Replaces the seed. */
  readonly explicit?: readonly ArrayLike<number>[];
}

/** Rows of step `index` (0-based), any step in any order. */
export class GateBatches {
  /** Pairs a step. */
  readonly size: number;
  private readonly plan: BatchPlan;
  private readonly count: number;
  private epoch: { readonly index: number; readonly order: Uint32Array } | undefined;

  constructor(plan: BatchPlan) {
    const { pairs, batchSize } = plan;
    this.plan = plan;
    this.count = typeof pairs === 'number' ? pairs : pairs.length;
    assert(this.count > 0, 'there are no pairs to train on');
    this.size = batchSize === 'all' ? this.count : batchSize;
    assert(
      Number.isInteger(this.size) && this.size > 0,
      () => `batchSize must be a positive integer, got ${batchSize}`,
    );
  }

  /** @returns new u32 `[size]`. */
  rowsAt(index: number): Uint32Array {
    const { batchSize, seed, replacement, explicit } = this.plan;
    if (explicit !== undefined) {
      const rows = explicit[index];
      assert(rows?.length === this.size, () => `step ${index + 1} has ${rows?.length ?? 'no'} rows, not ${this.size}`);
      return Uint32Array.from(rows);
    }
    if (batchSize === 'all') return Uint32Array.from({ length: this.size }, (_, b) => this.pair(b));
    if (replacement === true) {
      const random = new SeededRandom(seedOf(seed, 2 * index));
      return Uint32Array.from({ length: this.size }, () => this.pair(random.integer(this.count)));
    }
    return Uint32Array.from({ length: this.size }, (_, b) => {
      const position = index * this.size + b;
      const epoch = Math.floor(position / this.count);
      if (this.epoch?.index !== epoch)
        this.epoch = { index: epoch, order: new SeededRandom(seedOf(seed, 2 * epoch)).permutation(this.count) };
      return this.pair(this.epoch.order[position % this.count]!);
    });
  }

  private pair(position: number): number {
    const { pairs } = this.plan;
    return typeof pairs === 'number' ? position : pairs[position]!;
  }
}

/** lr_t = lr (1 + cos(π t / T)) / 2 for step `index` (0-based), and zero from T on. */
export function cosineRate(learningRate: number, index: number, scheduleSteps: number): number {
  return (learningRate * (1 + Math.cos((Math.PI * Math.min(index, scheduleSteps)) / scheduleSteps))) / 2;
}

/**
 * Holds out `share` of the prompts. Pairs of one prompt (equal `prompts` entries) stay together; prompts are taken in a seeded random
 * order until at least `share` of the pairs is held out.
 * @param prompts `[n]`, the prompt's number of each pair.
 * @returns pair indices in ascending order; `train` is never empty.
 */
export function splitByPrompt(
  prompts: Uint32Array,
  share: number,
  seed: number,
): { readonly train: Uint32Array; readonly heldOut: Uint32Array } {
  const distinct = [...new Set(prompts)];
  const target = share * prompts.length;
  const counts = new Map<number, number>();
  for (const prompt of prompts) counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
  const heldOutPrompts = new Set<number>();
  let held = 0;
  for (const index of new SeededRandom(seedOf(seed, 2 ** 31)).permutation(distinct.length)) {
    if (held >= target || heldOutPrompts.size === distinct.length - 1) break;
    heldOutPrompts.add(distinct[index]!);
    held += counts.get(distinct[index]!)!;
  }
  const all = Uint32Array.from(prompts, (_, i) => i);
  return {
    train: all.filter((i) => !heldOutPrompts.has(prompts[i]!)),
    heldOut: all.filter((i) => heldOutPrompts.has(prompts[i]!)),
  };
}
