/** Sets of random numbers for tests. */
import { SeededRandom } from '@/base/random.ts';
import { ScoredSetBuilder } from './scored-set.ts';
import type { ScoredRow, ScoredSet } from './scored-set.ts';

/** A set of rows of one objective whose reward is the score, group by group. */
export function setOfGroups(groups: readonly (readonly Partial<ScoredRow>[])[]): ScoredSet {
  const builder = new ScoredSetBuilder(['only']);
  for (const [i, rows] of groups.entries())
    builder.addGroup(
      String(i),
      i + 1,
      rows.map((row) => ({ score: 0, gateWeights: [1], ...row, rewards: [row.score ?? 0] })),
    );
  return builder.finish();
}

export interface RandomSetOptions {
  readonly pairs: number;
  readonly seed?: number;
  readonly objectives?: readonly string[];
  readonly verbosity?: number;
}

/** Pairs whose rewards go with a verbosity objective, which goes with length; gates are softmaxes of random logits. */
export function randomPairs({
  pairs,
  seed = 1,
  objectives = ['helpful', 'correct', 'verbosity', 'style'],
  verbosity = 2,
}: RandomSetOptions): ScoredSet {
  const random = new SeededRandom(seed);
  const k = objectives.length;
  const transform = Float64Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    return (i === j ? 1 : 0) - (i === verbosity ? (j === verbosity ? 1 : 0.2 * (j + 1)) : 0);
  });
  const builder = new ScoredSetBuilder(objectives, 'model@test', { transform, temperature: 10, logitScale: 1 });
  for (let pair = 0; pair < pairs; pair++) {
    const gateLogits = Array.from({ length: k }, () => 8 * random.normal());
    const mass = gateLogits.map((logit) => Math.exp(logit / 10));
    const sum = mass.reduce((total, value) => total + value, 0);
    const gateWeights = mass.map((value) => value / sum);
    const quality = random.normal();
    const rows = (['chosen', 'rejected'] as const).map((role): ScoredRow => {
      const responseTokens = 10 + random.integer(300);
      const v = responseTokens / 100 + 0.3 * random.normal();
      const rewards = objectives.map((_, j) =>
        j === verbosity ? v : 0.3 * (j + 1) * v + (role === 'chosen' ? 0.4 : 0) + 0.5 * quality + random.normal(),
      );
      const adjusted = rewards.map((_, j) => rewards.reduce((total, r, i) => total + r * transform[i * k + j]!, 0));
      const score = adjusted.reduce((total, r, j) => total + gateWeights[j]! * r, 0);
      return {
        role,
        rewards,
        gateWeights,
        gateLogits,
        score,
        responseTokens,
        subset: pair % 3 === 0 ? 'third' : 'rest',
      };
    });
    builder.addGroup(`pair ${pair}`, pair + 1, rows);
  }
  return builder.finish();
}
