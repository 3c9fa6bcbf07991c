/** The package's README: the report's main numbers in a page that a person reads. */
import type { Report } from './report.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Markdown; every number is the report's. @param bytes of the whole package. */
export function readmeText(report: Report, bytes: number): string {
  const { test } = report;
  const { all } = test.preferences;
  const contrasts = Object.entries(test.contrasts.byKind).map(
    ([kind, { n, accuracy }]) => `| ${kind} | ${n} | ${percent(accuracy)} |`,
  );
  const preferences = Object.entries(test.preferences.bySource).map(
    ([source, { n, accuracy, uncorrectedAccuracy, linearHead, longerWins, meanReward }]) =>
      `| ${source} | ${n} | ${[accuracy, uncorrectedAccuracy, linearHead, longerWins, meanReward].map(percent).join(' | ')} |`,
  );
  const { scorers, bestSingleObjective } = test.preferences;
  const scorerNames: readonly (readonly [keyof typeof scorers, string])[] = [
    ['gated', 'this model'],
    ['meanGate', 'the same with its mean gate'],
    ['gatedUncorrected', 'without the correction (M = I, gate trained so)'],
    ['meanGateUncorrected', 'that with its mean gate'],
    ['meanReward', 'mean of the 19 rewards'],
    ['linearHead', 'plain Bradley-Terry linear head on the same features'],
    ['longerWins', 'the longer answer'],
  ];
  const compared = scorerNames.map(([key, name]) => {
    const { accuracy, balanced, matched } = scorers[key];
    return `| ${name} | ${percent(accuracy)} | ${percent(balanced)} | ${percent(matched.accuracy)} (${percent(matched.low)} to ${percent(matched.high)}) |`;
  });
  const { writtenPairs } = report;
  const objectives = report.objectives.map(({ name, labels, agreement }) => {
    const fits = agreement.flatMap(({ source, n, spearman, auc }) =>
      auc === undefined && spearman === undefined
        ? []
        : [`${source}: ${auc === undefined ? `ρ ${spearman?.toFixed(2)}` : `AUC ${auc.toFixed(2)}`} (${n})`],
    );
    return `| ${name} | ${labels.kind} | ${labels.note} | ${fits.join('; ')} |`;
  });
  return [
    '# The embedded model',
    '',
    `A reward model with 19 objectives in ${(bytes / 1e6).toFixed(0)} MB, for looking inside, not for ranking. ${report.baseModel.name} ` +
      `(HuggingFaceTB, Apache-2.0), first ${report.baseModel.layers} layers, 4 bits; the gains of its norms tuned, and the heads trained, by this project. Made by ` +
      '`npm run embedded`; do not edit. `report.json` holds every number; `LICENSE` and `NOTICE` name whose work it rests on.',
    '',
    '## Limits',
    '',
    ...report.limits.map((line) => `- ${line}`),
    '',
    `## On prompts it never saw (${test.prompts} prompts, split by prompt)`,
    '',
    `Built contrasts: ${percent(test.contrasts.all.accuracy)} of ${test.contrasts.all.n} right (without the correction ` +
      `${percent(test.contrastsUncorrected.accuracy)}; additional off-topic pairs: ${percent(test.extraOffTopic.accuracy)} of ` +
      `${test.extraOffTopic.n}). Real preferences: ${percent(all.accuracy)} of ${all.n} (95 % interval ${percent(all.interval[0])} to ` +
      `${percent(all.interval[1])}). Safety reward on prompts that ask for harm: AUC ${test.isSafeOnRedTeam.auc.toFixed(2)} of ` +
      `${test.isSafeOnRedTeam.n}. Score and length: Spearman ${test.spearmanWithLength.score.toFixed(2)}; verbosity reward and length: ` +
      `${test.spearmanWithLength.verbosityReward.toFixed(2)}. Eq 3 leaves |ρ| ≤ ${report.debiasing.worstResidualRho.toExponential(0)} on ` +
      `${report.debiasing.referenceResponses} reference responses.`,
    '',
    '| built contrast | pairs | right |',
    '|---|---|---|',
    ...contrasts,
    '',
    'Real preferences, all sources together. Balanced: re-weighted so that the longer answer is preferred half of the time. Matched: pairs of ' +
      `which the longer answer has at most ${test.preferences.matchedLengthRatio} times the tokens, with the 95 % interval.`,
    '',
    '| scored by | right | balanced | matched |',
    '|---|---|---|---|',
    ...compared,
    '',
    `The best single objective on the dev split, ${bestSingleObjective.chosenOnDev}, is right in ${percent(bestSingleObjective.accuracy ?? Number.NaN)}; ` +
      `with hindsight ${bestSingleObjective.bestOfThisSplit} would be, in ${percent(bestSingleObjective.accuracyOfBest ?? Number.NaN)}.`,
    '',
    '| preferences of | pairs | right | without the correction | linear head | longer wins | mean reward |',
    '|---|---|---|---|---|---|---|',
    ...preferences,
    '',
    `Pairs we wrote ourselves (\`public/sample/written-pairs.jsonl\`), where any reader agrees: ${writtenPairs.right} of ${writtenPairs.pairs} right` +
      `${writtenPairs.wrong.length === 0 ? '' : `; wrong: ${writtenPairs.wrong.map(({ id }) => id).join(', ')}`}.`,
    '',
    '## What the objectives were trained on',
    '',
    '| objective | labels | what they were | agreement within source on those prompts (rows) |',
    '|---|---|---|---|',
    ...objectives,
    '',
  ].join('\n');
}
