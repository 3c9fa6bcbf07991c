/**
 * Under which gates each response wins (armorm.md, "What only a gated … model allows", 3): its share of the gate simplex, and
 * the proof that it never wins where there is no such gate.
 *
 * Everything is in directions v `[f]` over the free objectives (`score-direction.ts`): a gate is p ≥ 0, Σ p = 1, response a scores
 * p · v_a, and all gates are equally likely. Of two responses the share is exact; of more it is sampled, with the seed and the
 * interval of the estimate, and the linear program decides alone what sampling cannot: a share of exactly 0.
 */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';
import { type GameSolution, solveMatrixGame } from './matrix-game.ts';

/** Shares of all gates; they sum to 1. A tie takes a share only where the two are equal on every objective, and then all. */
export interface PairRegion {
  readonly first: number;
  readonly second: number;
  readonly tie: number;
}

/**
 * Exact share of gates under which the first of two responses wins, from `difference` `[f]` = v_first − v_second.
 * @throws AssertionError when it is empty.
 */
export function pairWinRegion(difference: Float64Array): PairRegion {
  assert(difference.length > 0, 'no objective is free');
  if (difference.every((value) => value === 0)) return { first: 0, second: 0, tie: 1 };
  // Each side by itself, so that a tiny share is as exact as a large one.
  return { first: shareNotPositive(difference.map((value) => -value)), second: shareNotPositive(difference), tie: 0 };
}

/**
 * Share of the simplex with Σ p_i d_i ≤ 0: its volume below a plane, by the recursion of Varsi (1973, "The multidimensional
 * content of the frustum of the simplex", Pacific J. Math. 46). Every step is an average of two shares with positive weights, so
 * nothing cancels; the closed form by partial fractions loses all digits long before 19 objectives. O(f²).
 */
function shareNotPositive(difference: Float64Array): number {
  const positive = difference.filter((value) => value > 0);
  // shares[k]: the answer for the first k positive entries and the others met so far.
  const shares = new Float64Array(positive.length + 1);
  shares[0] = 1;
  for (const other of difference) {
    if (other > 0) continue;
    for (const [k, value] of positive.entries())
      shares[k + 1] = (value * shares[k + 1]! - other * shares[k]!) / (value - other);
  }
  return shares[positive.length]!;
}

/** What is known of one response's share. */
export interface WinShare {
  /** Exact, or the estimate. */
  readonly share: number;
  /** 95 % interval of the estimate (Wilson); both ends are `share` where it is exact. */
  readonly low: number;
  readonly high: number;
  readonly exact: boolean;
  /** Proven: under every gate some other response scores strictly higher. */
  readonly neverWins: boolean;
  /** The program's answer; undefined for a response alone. */
  readonly worstMargin: WorstMargin | undefined;
}

export interface WinRegion {
  readonly responses: readonly WinShare[];
  /** Share of gates (exact, or of the sampled) under which no response is strictly the best. */
  readonly tieShare: number;
  /** Gates sampled; 0 where all is exact. */
  readonly samples: number;
  readonly seed: number;
}

export interface WinRegionOptions {
  /** Gates to sample for more than two responses. */
  readonly samples?: number;
  readonly seed?: number;
}

/** Half a per cent wide at worst: ± 1.96 √(¼ / 40,000). */
const defaultSamples = 40_000;

/**
 * The win region of every response, from their directions, each `[f]`.
 * @throws AssertionError on no response, no objective, or directions of different lengths.
 */
export function winRegion(directions: readonly Float64Array[], options: WinRegionOptions = {}): WinRegion {
  const { samples = defaultSamples, seed = 1 } = options;
  const [first, second] = directions;
  assert(first !== undefined && first.length > 0, 'a win region needs a response and a free objective');
  assert(
    directions.every(({ length }) => length === first.length),
    'directions differ in length',
  );
  const programs = directions.map((_, index) => (second === undefined ? undefined : worstMargin(directions, index)));
  const never = programs.map((program) => program !== undefined && program.upper < 0);
  const exactly = (shares: readonly number[], tieShare: number): WinRegion => ({
    responses: shares.map((share, index) => ({
      share,
      low: share,
      high: share,
      exact: true,
      neverWins: never[index]!,
      worstMargin: programs[index],
    })),
    tieShare,
    samples: 0,
    seed,
  });
  if (second === undefined) return exactly([1], 0);
  if (directions.length === 2) {
    const pair = pairWinRegion(first.map((value, i) => value - second[i]!));
    return exactly([pair.first, pair.second], pair.tie);
  }
  const { wins, ties } = sampleWins(directions, samples, seed);
  const responses = directions.map((_, index) => {
    const proven = { neverWins: never[index]!, worstMargin: programs[index] };
    if (never[index]!) return { share: 0, low: 0, high: 0, exact: true, ...proven };
    return { share: wins[index]! / samples, ...wilsonInterval(wins[index]!, samples), exact: false, ...proven };
  });
  return { responses, tieShare: ties / samples, samples, seed };
}

/** How a response does under the gate that is best for it. */
export interface WorstMargin extends Pick<GameSolution, 'lower' | 'upper'> {
  /** The gate, shares `[f]`: there it beats every other by `lower` or more (loses by up to −lower). */
  readonly gate: Float64Array;
  /**
   * Weights of the others `[n]`, 0 at the response itself: so mixed, they are ahead of it by −upper or more on every free
   * objective. With upper < 0 that is the proof that it never wins, for whoever wants to check it by hand.
   */
  readonly mixture: Float64Array;
}

/**
 * max over gates of the response's smallest margin against the others, as two proven bounds, equal up to rounding.
 * @throws AssertionError when there is no other response.
 */
export function worstMargin(directions: readonly Float64Array[], index: number): WorstMargin {
  const own = directions[index];
  assert(own !== undefined && directions.length > 1, 'a margin needs another response');
  const others = directions.filter((_, other) => other !== index);
  const payoffs = new Float64Array(own.length * others.length);
  for (const [i, value] of own.entries())
    for (const [b, other] of others.entries()) payoffs[i * others.length + b] = value - other[i]!;
  const { lower, upper, rowMixture, columnMixture } = solveMatrixGame(payoffs, own.length, others.length);
  const mixture = new Float64Array(directions.length);
  for (const [b, weight] of columnMixture.entries()) mixture[b < index ? b : b + 1] = weight;
  return { lower, upper, gate: rowMixture, mixture };
}

/** Quantile of the normal distribution for 95 %, two-sided. */
const z95 = 1.959963984540054;

/** Wilson's 95 % interval of a proportion: inside [0, 1], and right where no or every sample was one. */
export function wilsonInterval(successes: number, samples: number): { readonly low: number; readonly high: number } {
  const share = successes / samples;
  const spread = (z95 * z95) / samples;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (z95 * Math.sqrt((share * (1 - share)) / samples + (spread / 4) * (1 / samples))) / (1 + spread);
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === samples ? 1 : Math.min(1, centre + half),
  };
}

/** Wins of each response over uniformly random gates. */
function sampleWins(directions: readonly Float64Array[], samples: number, seed: number) {
  const random = new SeededRandom(seed);
  const f = directions[0]!.length;
  const gate = new Float64Array(f);
  const wins = new Float64Array(directions.length);
  let ties = 0;
  for (let sample = 0; sample < samples; sample++) {
    // Exponentials are a uniform point of the simplex times their sum, and the sum decides no contest.
    for (let i = 0; i < f; i++) gate[i] = -Math.log1p(-random.uniform());
    let best = -1;
    let bestScore = -Infinity;
    let tied = false;
    for (let a = 0; a < directions.length; a++) {
      const direction = directions[a]!;
      let score = 0;
      for (let i = 0; i < f; i++) score += gate[i]! * direction[i]!;
      if (score > bestScore) {
        best = a;
        bestScore = score;
        tied = false;
      } else if (score === bestScore) tied = true;
    }
    if (tied) ties++;
    else wins[best] = wins[best]! + 1;
  }
  return { wins, ties };
}
