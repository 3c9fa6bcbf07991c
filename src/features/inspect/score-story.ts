/** One response's score as a waterfall from the reference set's means, and in a sentence. Pure. */
import { scoreWaterfall } from '@/core/attribution.ts';
import type { HeadEvaluation } from '@/core/reward-head.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { formatSignificant, formatSigned } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import type { WaterfallStep } from '@/components/waterfall-steps.ts';

export interface ScoreStory {
  /** The package has reference means; without them the steps start from zero rewards. */
  readonly fromMeans: boolean;
  /** What a response with the reference means would score under this gate: c · μ. */
  readonly base: number;
  /** One per objective, in the manifest's order: c_i (r_i − μ_i). With the base they sum to the score. */
  readonly steps: readonly WaterfallStep[];
  readonly score: number;
}

type Described = Pick<Manifest, 'objectives' | 'referenceMeans'>;

export function scoreStory(manifest: Described, scored: HeadEvaluation): ScoreStory {
  const means = manifest.referenceMeans ?? manifest.objectives.map(() => 0);
  const { base, steps } = scoreWaterfall(scored.coefficients, scored.rewards, means);
  return {
    fromMeans: manifest.referenceMeans !== undefined,
    base,
    steps: objectiveSteps(manifest, steps),
    score: scored.score,
  };
}

/** Steps with the names their objectives have on charts. */
export function objectiveSteps(manifest: Pick<Manifest, 'objectives'>, steps: ArrayLike<number>): WaterfallStep[] {
  return manifest.objectives.map((objective, index) => ({
    key: objective.name,
    label: shortObjectiveLabel(objective),
    group: objective.group,
    value: steps[index] ?? Number.NaN,
  }));
}

/** Where the score stands against the reference, and what moved it most either way. */
export function scoreSentence({ fromMeans, base, steps, score }: ScoreStory, name: string): string {
  const sorted = [...steps].sort((a, b) => b.value - a.value);
  const [up, down] = [sorted[0], sorted.at(-1)];
  const difference = score - base;
  const shown = formatSignificant(Math.abs(difference), 3);
  const place = !fromMeans
    ? `${name} scores ${formatSignificant(score, 3)}`
    : difference === 0
      ? `${name} scores what average rewards would get for this prompt`
      : `${name} scores ${shown} ${difference > 0 ? 'above' : 'below'} what average rewards would get for this prompt`;
  const raise =
    up !== undefined && up.value > 0 ? `${up.key} raises it most (${formatSigned(up.value, 3)})` : 'nothing raises it';
  const lower =
    down !== undefined && down.value < 0
      ? `${down.key} lowers it most (${formatSigned(down.value, 3)})`
      : 'nothing lowers it';
  return `${place}: ${raise}, and ${lower}.`;
}
