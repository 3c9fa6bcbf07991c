/** What is known of an objective, in sentences; says plainly what is not known. Pure. */
import { formatSetting, formatSigned, formatSignificant } from '@/components/number-format.ts';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import type { Manifest, Objective } from '@/formats/manifest.ts';
import type { ObjectiveFacts } from '@/formats/objective-facts.ts';

const kindWords: Readonly<Record<Objective['labels']['kind'], string>> = {
  rated: 'Rated',
  proxy: 'Other labels stand in for it',
  computed: 'Computed from the text',
  contrast: 'Pairs built for it',
  unknown: 'Not stated by this package',
};

/** What ArmoRM's authors published of an objective of this name. */
function published(name: string) {
  return ARMORM_OBJECTIVES.find((objective) => objective.name === name);
}

export function descriptionWords({ name, description }: Objective): string {
  if (description !== '') return description;
  const known = published(name);
  return known === undefined
    ? 'This package does not say what it is.'
    : `${known.description} (As published for ArmoRM; this package itself does not say.)`;
}

export function labelWords({ name, labels }: Objective): string {
  const kind = kindWords[labels.kind];
  if (labels.kind !== 'unknown') return labels.note === '' ? `${kind}.` : `${kind}. ${labels.note}`;
  const known = published(name);
  return known === undefined
    ? `${kind}.`
    : `${kind}. For ArmoRM it was published as: ${known.labels.note} Whether this model was trained so is not known.`;
}

export function scaleWords({ nativeScale }: Objective): string {
  if (nativeScale === undefined) return 'No scale is published, so the reward is shown as it is.';
  const { scale, offset, min, max, unit } = nativeScale;
  const sign = offset < 0 ? '−' : '+';
  return `${unit} ${formatSetting(min)} to ${formatSetting(max)} = ${formatSetting(scale)} · reward ${sign} ${formatSetting(Math.abs(offset))}`;
}

/** Cohen's (1988) conventional bounds for correlations; AUC is taken as 2·AUC − 1, the rank-biserial correlation. */
const strengths: readonly (readonly [least: number, words: string])[] = [
  [0.5, 'clearly'],
  [0.3, 'moderately'],
  [0.1, 'weakly'],
];

export function predictionWords(facts: ObjectiveFacts | undefined): string {
  if (facts === undefined) return 'Unknown: this package brings no figures for it.';
  const { headline } = facts;
  if (headline === undefined) return 'Unknown: there were too few labels of prompts it never saw.';
  const { measure, value, n, source } = headline;
  const correlation = measure === 'auc' ? 2 * value - 1 : value;
  const strength = strengths.find(([least]) => correlation >= least)?.[1];
  const figure = measure === 'auc' ? `AUC ${formatSignificant(value, 2)}` : `Spearman ρ ${formatSignificant(value, 2)}`;
  const where = `${figure} on ${n} responses to prompts it never saw (${source})`;
  return strength === undefined
    ? `It hardly follows its labels: ${where}.`
    : `It ${strength} follows its labels: ${where}.`;
}

/** The differences that are told apart from none by their 95 % interval. */
export function certainEffects(facts: ObjectiveFacts): ObjectiveFacts['raisedBy'] {
  return facts.raisedBy.filter(({ effect, within }) => Math.abs(effect) > within);
}

export function raisedWords(facts: ObjectiveFacts): string {
  const certain = certainEffects(facts);
  const [up, down] = [certain[0], certain.at(-1)];
  const parts = [
    ...(up !== undefined && up.effect > 0
      ? [`it is raised most when the response ${up.words} (${formatSigned(up.effect, 3)} standard deviations)`]
      : []),
    ...(down !== undefined && down.effect < 0
      ? [`it is lowered most when the response ${down.words} (${formatSigned(down.effect, 3)})`]
      : []),
  ];
  if (parts.length === 0) return 'None of the differences that were tried moves it beyond chance.';
  return `Among the differences that were tried, ${parts.join(', and ')}.`;
}

export function lengthWords({ length }: ObjectiveFacts): string {
  return (
    `With the length of responses in tokens: Spearman ρ ${formatSignificant(length.spearman, 2)}; twice the tokens change it by ` +
    `${formatSigned(length.perDoubling, 2)} standard deviations.`
  );
}

/** What this objective is for, beside its meaning: the one that measures length is subtracted from the others. */
export function roleWords(manifest: Manifest, index: number): string | undefined {
  if (manifest.verbosityDimensions.includes(index))
    return 'It measures length, and is subtracted from the other rewards by the correction for verbosity (Eq 2).';
  return manifest.activeObjectives?.includes(index) === false
    ? 'The gate gives it no weight: it is reported, and never counts.'
    : undefined;
}
