/**
 * The one example whose numbers the authors published (model card of RLHFlow/ArmoRM-Llama3-8B-v0.1, computed in bf16), and how far
 * another run is from them. Pure.
 *
 * A second, independent run differed by up to 0.03 in HelpSteer's units, so that much is honest noise between two stacks.
 */
import { ARMORM_OBJECTIVES } from './armorm-objectives.ts';
import { crossStackNoise } from './doctor-rewards.ts';

export const publishedModel = 'RLHFlow/ArmoRM-Llama3-8B-v0.1';
export const publishedPrompt = 'What are some synonyms for the word "beautiful"?';
export const publishedResponse =
  'Nicely, Beautifully, Handsome, Stunning, Wonderful, Gorgeous, Pretty, Stunning, Elegant';

/** HelpSteer's five, `5 r − 0.5`; the card's human ratings are 3, 3, 4, 2, 2. */
const publishedRatings = [2.78125, 2.859375, 3.484375, 1.3847656, 1.296875] as const;
const humanRatings = [3, 3, 4, 2, 2] as const;
/** The three largest final coefficients c = M g. */
const publishedCoefficients: Readonly<Record<string, number>> = {
  'code-complexity': 0.19922,
  'helpsteer-verbosity': -0.10864,
  'ultrafeedback-instruction_following': 0.07861,
};
/** rating = 5 r − 0.5 (armorm.md I10). */
const ratingScale = 5;
const ratingOffset = -0.5;

/** What of a manifest decides whether the example applies. */
export interface ExamplePackage {
  readonly objectives: readonly { readonly name: string }[];
  readonly architecture: { readonly hiddenSize: number; readonly layers: number };
  readonly gate: { readonly rule: { readonly kind: string; readonly tokenIds?: readonly number[] } };
  readonly source: { readonly name: string };
}

/** ArmoRM's marker in Llama-3's ids (armorm.md I3). */
const llama3Marker = [128009, 128006, 78191, 128007, 271];
const publishedHiddenSize = 4096;
const publishedLayers = 32;

/** Why the published numbers say nothing of a package, in words; `undefined` where they apply. */
export function whyNotPublished({ objectives, architecture, gate }: ExamplePackage): string | undefined {
  const about = `The published numbers are of ${publishedModel}`;
  if (
    objectives.length !== ARMORM_OBJECTIVES.length ||
    ARMORM_OBJECTIVES.some(({ name }, j) => objectives[j]?.name !== name)
  )
    return `${about}, whose objectives are ArmoRM’s 19; this package has ${objectives.length === ARMORM_OBJECTIVES.length ? '19 others' : objectives.length}.`;
  if (architecture.hiddenSize !== publishedHiddenSize || architecture.layers !== publishedLayers)
    return `${about}, which has ${publishedLayers} layers of ${publishedHiddenSize}; this package has ${architecture.layers} of ${architecture.hiddenSize}.`;
  const { tokenIds } = gate.rule;
  if (tokenIds?.length !== llama3Marker.length || llama3Marker.some((id, i) => tokenIds[i] !== id))
    return `${about}, which reads Llama-3’s template; this package’s gate reads another.`;
  return undefined;
}

export interface PublishedRow {
  readonly name: string;
  readonly unit: 'rating' | 'coefficient';
  readonly published: number;
  readonly ours: number;
  /** What people gave it; ratings only. */
  readonly human: number | undefined;
  /** |ours − published| that two correct stacks may show. */
  readonly band: number;
  /** What this package's own rounding may add. */
  readonly rounding: number;
}

export interface PublishedComparison {
  readonly rows: readonly PublishedRow[];
  /** `agrees`: all within the band. `rounding`: only with the package's rounding added. `differs`: not even then. */
  readonly verdict: 'agrees' | 'rounding' | 'differs';
}

/** What a package's rounding does to rewards and gate weights: the largest error on its canaries. */
export interface PackageRounding {
  readonly rewards: number;
  readonly gateWeights: number;
}

interface Outputs {
  readonly rewards: readonly number[];
  readonly gateWeights: readonly number[];
}

/** @param canaries outputs by the package's weights and by the unrounded ones. @returns 0 where none has both. */
export function packageRounding(
  canaries: readonly { readonly own: Outputs; readonly reference?: Outputs | undefined }[],
): PackageRounding {
  const worst = (of: 'rewards' | 'gateWeights'): number =>
    Math.max(
      0,
      ...canaries.flatMap(({ own, reference }) =>
        reference === undefined ? [] : own[of].map((value, j) => Math.abs(value - (reference[of][j] ?? 0))),
      ),
    );
  return { rewards: worst('rewards'), gateWeights: worst('gateWeights') };
}

/**
 * @param rewards r `[19]`, raw. @param coefficients c `[19]`. Both in ArmoRM's order. A value that is not a number differs.
 */
export function comparePublished(
  rewards: ArrayLike<number>,
  coefficients: ArrayLike<number>,
  rounding: PackageRounding,
): PublishedComparison {
  const ratings = publishedRatings.map((published, j): PublishedRow => ({
    name: ARMORM_OBJECTIVES[j]?.name ?? '',
    unit: 'rating',
    published,
    ours: ratingScale * (rewards[j] ?? Number.NaN) + ratingOffset,
    human: humanRatings[j],
    band: crossStackNoise,
    rounding: ratingScale * rounding.rewards,
  }));
  const weights = Object.entries(publishedCoefficients).map(([name, published]): PublishedRow => ({
    name,
    unit: 'coefficient',
    published,
    ours: coefficients[ARMORM_OBJECTIVES.findIndex((objective) => objective.name === name)] ?? Number.NaN,
    human: undefined,
    // No band of a coefficient was published: that of a rating in units of r, which it multiplies.
    band: crossStackNoise / ratingScale,
    rounding: rounding.gateWeights,
  }));
  const rows = [...ratings, ...weights];
  const within = (allowed: (row: PublishedRow) => number): boolean =>
    rows.every((row) => Math.abs(row.ours - row.published) <= allowed(row));
  return {
    rows,
    verdict: within(({ band }) => band)
      ? 'agrees'
      : within(({ band, rounding: own }) => band + own)
        ? 'rounding'
        : 'differs',
  };
}
