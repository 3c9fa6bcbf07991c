/**
 * Verbosity debiasing (arXiv 2406.12845 Eq 3; armorm.md T2): penalties λ that take a reward's rank correlation with verbosity to
 * zero, and the reward transform M they make.
 *
 * Row i of the reference set is the line r_i − λ v_i. Spearman(r − λ v, v) changes only where two lines cross, at
 * λ = (r_i − r_j) / (v_i − v_j), and never rises: a step function with one crossing of zero, found here exactly.
 */
import { assert } from '@/base/assert.ts';
import { DataError } from './errors.ts';
import { ascendingOrder, centredMoments, centredRanks, midRanks, spearman } from './rank-correlation.ts';

/** The root of Eq 3. */
export interface ExactPenalty {
  /**
   * λ. The breakpoint at which ρ falls through zero; where an open interval has ρ = 0 exactly, the middle of that interval.
   * At a breakpoint, ρ of r − λ v computed in floating point is somewhere from `rhoRight` to `rhoLeft`.
   */
  readonly penalty: number;
  /** Ends of the first open interval of λ on which ρ ≤ 0; the first end is the breakpoint. */
  readonly crossing: readonly [number, number];
  /** ρ on the interval before the crossing: > 0, the last such step. */
  readonly rhoLeft: number;
  /** ρ on the crossing interval: ≤ 0, the first such step. */
  readonly rhoRight: number;
}

/**
 * The λ values the authors' script tries, 24 from 0 to 0.95 (RLHFlow/RLHF-Reward-Modeling `armo-rm/stage-2_train.py` at 4cc5448; a
 * descendant's copy has the same): this grid is the right one. `fixtures/debias.json` was made with a 25th value, 0.875, between its
 * 0.85 and 0.9; two of its answers are that value, and none contradicts the other 24 (a uniform grid of that spacing is excluded:
 * it would have stopped at 0.375, not at 0.4). So the test proves the rule on the fixture's own grid, and that on the published one
 * the answer is the same but where the fixture says 0.875: there the published script goes on to 0.9.
 */
export const authorsPenaltyGrid: readonly number[] = [
  0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8,
  0.85, 0.9, 0.95,
];
/** The signed ρ that script accepts (its `--corr_threshold`). */
export const authorsRhoThreshold = 0.03;

export interface GridPenalty {
  readonly penalty: number;
  /** Whether a λ of the grid met the threshold; if not, `penalty` is the script's fallback 1. */
  readonly found: boolean;
}

/** How penalties are found. `authors-grid` leaves the paper: only as a named choice. */
export type PenaltyMethod = 'exact' | 'pearson' | 'authors-grid';

/** Penalties of every objective for one verbosity dimension. */
export interface DimensionPenalties {
  readonly dimension: number;
  /** λ `[k]`. */
  readonly penalties: Float64Array;
}

/** Slack for two crossings to count as one, relative to the scale of λ: decimals such as 0.1 + 0.2 are not exact in f64. */
const breakpointTolerance = 1e-13;
/** Slack for two lines to count as meeting, relative to their size: a few roundings of r − λ v. */
const meetingTolerance = 4e-15;

/** Interpolated guesses before plain bisection takes over: on smooth data a few suffice, on any data bisection ends. */
const interpolations = 12;

/**
 * The root of Eq 3 for `r` `[n]` against `verbosity` `[n]`: a search over λ that jumps from breakpoint to breakpoint, so it ends on
 * the exact one, after about ten sorts by interpolation or at worst about 2 log₂ n by bisection. The root always exists and may be
 * negative or above 1.
 * @throws DataError on NaN or infinity, or where all verbosity values are equal (then no λ is a root).
 */
export function exactPenalty(
  r: Float64Array | readonly number[],
  verbosity: Float64Array | readonly number[],
): ExactPenalty {
  const lines = makeLines(r, verbosity);
  // Before all crossings lines stand in the order of v, after them in the reverse: the extreme adjacent crossings.
  let low = neighbourCrossings(lines, orderAtInfinity(lines, -1)).next;
  let high = neighbourCrossings(lines, orderAtInfinity(lines, 1)).previous;
  const guess = guesses(r, verbosity);
  while (high - low > breakpointTolerance * Math.max(Math.abs(low), Math.abs(high), lines.scale)) {
    const middle = guess.within(low, high);
    const order = orderBeside(lines, middle, 1);
    const { previous, next } = neighbourCrossings(lines, order.indices);
    const rho = rhoOf(lines, order);
    guess.learn(middle, rho);
    if (rho > 0) low = Math.max(middle, next);
    else high = Math.min(middle, previous);
  }
  const breakpoint = high;
  const before = orderBeside(lines, breakpoint, -1);
  const after = orderBeside(lines, breakpoint, 1);
  const end = neighbourCrossings(lines, after.indices).next;
  const rhoRight = rhoOf(lines, after);
  return {
    penalty: rhoRight === 0 && Number.isFinite(end) ? breakpoint + (end - breakpoint) / 2 : breakpoint,
    crossing: [breakpoint, end],
    rhoLeft: rhoOf(lines, before),
    rhoRight,
  };
}

/**
 * λ = Cov(r, v) / Var(v): the λ at which Pearson(r − λ v, v) = 0.
 * @throws DataError on NaN or infinity, or where all verbosity values are equal.
 */
export function pearsonPenalty(
  r: Float64Array | readonly number[],
  verbosity: Float64Array | readonly number[],
): number {
  const { yy, xy } = centredMoments(r, verbosity);
  if (yy === 0) throw new DataError('verbosity', 'is the same in every row, so no penalty changes the correlation');
  return xy / yy;
}

/**
 * The authors' search: the first λ of `grid` whose signed ρ is at most `threshold`; 1 where none is. A negative ρ passes at
 * λ = 0 and roots above the grid are missed, which is why it is not the default.
 * @throws DataError on NaN.
 */
export function gridPenalty(
  r: Float64Array | readonly number[],
  verbosity: Float64Array | readonly number[],
  grid: readonly number[] = authorsPenaltyGrid,
  threshold: number = authorsRhoThreshold,
): GridPenalty {
  for (const penalty of grid) {
    const adjusted = Float64Array.from(r, (value, i) => value - penalty * verbosity[i]!);
    if (spearman(adjusted, verbosity) <= threshold) return { penalty, found: true };
  }
  return { penalty: 1, found: false };
}

/**
 * Penalties of every objective against objective `dimension` on a reference set `rewards` `[n, k]` (row-major). The dimension's
 * own penalty is 1 (armorm.md I5: its adjusted reward is dead); that of other verbosity dimensions, `others`, is 0, so that
 * theirs stay dead too.
 * @returns λ, new f64 `[k]`.
 * @throws DataError as the method does, naming the objective; AssertionError on a wrong shape.
 */
export function findPenalties(
  rewards: Float64Array,
  objectives: number,
  dimension: number,
  method: PenaltyMethod = 'exact',
  others: readonly number[] = [],
): DimensionPenalties {
  assert(rewards.length % objectives === 0, () => `${rewards.length} rewards are not rows of ${objectives}`);
  assert(dimension >= 0 && dimension < objectives, () => `dimension ${dimension} is not one of ${objectives}`);
  const rows = rewards.length / objectives;
  const column = (j: number) => Float64Array.from({ length: rows }, (_, i) => rewards[i * objectives + j]!);
  const verbosity = column(dimension);
  const penalties = new Float64Array(objectives);
  for (let j = 0; j < objectives; j++) {
    if (j === dimension) penalties[j] = 1;
    else if (!others.includes(j)) penalties[j] = penaltyBy(method, column(j), verbosity, j);
  }
  return { dimension, penalties };
}

/** M = I `[k, k]`: no correction. */
export function identityTransform(objectives: number): Float64Array {
  return Float64Array.from({ length: objectives ** 2 }, (_, i) => (i % (objectives + 1) === 0 ? 1 : 0));
}

/**
 * M `[k, k]` (row-major) with M[v, j] = δ_vj − λ_j for each verbosity dimension v, identity elsewhere (Eq 2): `r' = r M` is
 * r_j − Σ_v λ_j^(v) r_v.
 * @throws AssertionError on a repeated or impossible dimension, or penalties that are not `[k]`.
 */
export function transformFromPenalties(objectives: number, dimensions: readonly DimensionPenalties[]): Float64Array {
  const k = objectives;
  const transform = identityTransform(k);
  assert(
    new Set(dimensions.map((d) => d.dimension)).size === dimensions.length,
    'a verbosity dimension is named twice',
  );
  for (const { dimension, penalties } of dimensions) {
    assert(
      Number.isInteger(dimension) && dimension >= 0 && dimension < k,
      () => `dimension ${dimension} is not one of ${k}`,
    );
    assert(penalties.length === k, () => `${penalties.length} penalties for ${k} objectives`);
    for (let j = 0; j < k; j++) transform[dimension * k + j] = (j === dimension ? 1 : 0) - penalties[j]!;
  }
  return transform;
}

function penaltyBy(method: PenaltyMethod, r: Float64Array, verbosity: Float64Array, objective: number): number {
  try {
    if (method === 'pearson') return pearsonPenalty(r, verbosity);
    return method === 'exact' ? exactPenalty(r, verbosity).penalty : gridPenalty(r, verbosity).penalty;
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`objective ${objective}, ${error.where}`, error.what);
    throw error;
  }
}

/**
 * Where to look next for the root. With λ = μ + σ tan θ (μ Pearson's root, σ the residual's spread over verbosity's) Pearson's
 * correlation is −sin θ, and ρ is close to it: almost a line in θ, on which regula falsi (Illinois) is quick. Whatever it says,
 * the caller's bracket decides.
 */
function guesses(r: Float64Array | readonly number[], verbosity: Float64Array | readonly number[]) {
  const { xx, yy, xy } = centredMoments(r, verbosity);
  const centre = xy / yy;
  const spread = Math.sqrt(Math.max(0, xx - (xy * xy) / yy) / yy);
  let count = 0;
  let [left, right] = [
    { angle: -Math.PI / 2, rho: 1 },
    { angle: Math.PI / 2, rho: -1 },
  ];
  let lastSide = 0;
  return {
    /** A λ strictly inside the bracket, or its middle. */
    within(low: number, high: number): number {
      const middle = low + (high - low) / 2;
      if (++count > interpolations || !(spread > 0)) return middle;
      const angle = left.angle + ((right.angle - left.angle) * left.rho) / (left.rho - right.rho);
      const at = centre + spread * Math.tan(angle);
      return at > low && at < high ? at : middle;
    },
    learn(penalty: number, rho: number): void {
      if (Number.isNaN(rho)) return;
      const angle = Math.atan((penalty - centre) / spread);
      const side = rho > 0 ? -1 : 1;
      if (side < 0) left = { angle, rho };
      else right = { angle, rho };
      // An end that stays twice counts half, so that both ends move.
      if (side === lastSide && side < 0) right = { ...right, rho: right.rho / 2 };
      if (side === lastSide && side > 0) left = { ...left, rho: left.rho / 2 };
      lastSide = side;
    },
  };
}

interface Lines {
  readonly r: Float64Array;
  readonly v: Float64Array;
  /** Centred mid-ranks of v, and their sum of squares. */
  readonly verbosityRanks: Float64Array;
  readonly verbositySquares: number;
  /** Largest |r| over largest |v|: what λ is measured in. */
  readonly scale: number;
  readonly largestR: number;
  readonly largestV: number;
}

/** Row indices by ascending r − λ v, with `level[i]` equal for rows that are one point of the ranking. */
interface Order {
  readonly indices: Uint32Array;
  readonly levels: Uint32Array;
}

function makeLines(rewards: Float64Array | readonly number[], verbosity: Float64Array | readonly number[]): Lines {
  const { yy } = centredMoments(rewards, verbosity);
  if (yy === 0) throw new DataError('verbosity', 'is the same in every row, so no penalty changes the correlation');
  const r = Float64Array.from(rewards);
  const v = Float64Array.from(verbosity);
  const verbosityRanks = centredRanks(midRanks(v));
  const largestR = r.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const largestV = v.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const verbositySquares = verbosityRanks.reduce((sum, rank) => sum + rank * rank, 0);
  return { r, v, verbosityRanks, verbositySquares, scale: largestR / largestV, largestR, largestV };
}

/** Order for λ → ∓∞: by v ascending (side −1) or descending (side 1), then by r. */
function orderAtInfinity({ r, v }: Lines, side: -1 | 1): Uint32Array {
  return Uint32Array.from(r, (_, i) => i).sort((a, b) => side * (v[b]! - v[a]!) || r[a]! - r[b]!);
}

/** Order just left (side −1) or right (side 1) of `lambda`: rows that meet there stand as they do on that side. */
function orderBeside({ r, v, largestR, largestV }: Lines, lambda: number, side: -1 | 1): Order {
  const y = r.map((value, i) => value - lambda * v[i]!);
  const indices = ascendingOrder(y);
  const levels = new Uint32Array(indices.length);
  const tolerance = meetingTolerance * (largestR + Math.abs(lambda) * largestV);
  let level = 0;
  for (let start = 0; start < indices.length;) {
    let end = start + 1;
    while (end < indices.length && y[indices[end]!]! - y[indices[end - 1]!]! <= tolerance) end++;
    // y falls faster for larger v: right of the meeting the larger v is below, left of it above.
    if (end - start > 1) indices.subarray(start, end).sort((a, b) => side * (v[b]! - v[a]!) || a - b);
    for (let position = start; position < end; position++) {
      if (position > start && v[indices[position]!] !== v[indices[position - 1]!]) level++;
      levels[position] = level;
    }
    level++;
    start = end;
  }
  return { indices, levels };
}

/** The last crossing behind and the first ahead of an order: both are between rows that stand next to each other in it. */
function neighbourCrossings(
  { r, v }: Lines,
  indices: Uint32Array,
): { readonly previous: number; readonly next: number } {
  let previous = -Infinity;
  let next = Infinity;
  for (let position = 1; position < indices.length; position++) {
    const below = indices[position - 1]!;
    const above = indices[position]!;
    const dv = v[above]! - v[below]!;
    if (dv === 0) continue;
    const crossing = (r[above]! - r[below]!) / dv;
    if (dv > 0) next = Math.min(next, crossing);
    else previous = Math.max(previous, crossing);
  }
  return { previous, next };
}

/** Spearman's ρ of an order against v; the numerator is exact, so its sign is. NaN where all rows are one point. */
function rhoOf({ verbosityRanks, verbositySquares }: Lines, { indices, levels }: Order): number {
  const n = indices.length;
  let product = 0;
  let squares = 0;
  for (let start = 0; start < n;) {
    let end = start + 1;
    while (end < n && levels[end] === levels[start]) end++;
    const rank = start + end - n; // twice the mid-rank, less its mean n + 1
    for (let position = start; position < end; position++) {
      product += rank * verbosityRanks[indices[position]!]!;
      squares += rank * rank;
    }
    start = end;
  }
  return product / Math.sqrt(squares * verbositySquares);
}
