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
    ([source, { n, accuracy, longerWins, meanReward }]) =>
      `| ${source} | ${n} | ${percent(accuracy)} | ${percent(longerWins)} | ${percent(meanReward)} |`,
  );
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
      `(HuggingFaceTB, Apache-2.0), first ${report.baseModel.layers} layers, 4 bits; heads trained by this project. Made by ` +
      '`npm run embedded`; do not edit. `report.json` holds every number; `LICENSE` and `NOTICE` name whose work it rests on.',
    '',
    '## Limits',
    '',
    ...report.limits.map((line) => `- ${line}`),
    '',
    `## On prompts it never saw (${test.prompts} prompts, split by prompt)`,
    '',
    `Built contrasts: ${percent(test.contrasts.all.accuracy)} of ${test.contrasts.all.n} right. Real preferences: ` +
      `${percent(all.accuracy)} of ${all.n}, where the longer answer wins ${percent(all.longerWins)}, the mean of the 19 rewards ` +
      `${percent(all.meanReward)} and the mean gate ${percent(all.meanGate)}. Score and length: Spearman ` +
      `${test.spearmanWithLength.score.toFixed(2)}; verbosity reward and length: ${test.spearmanWithLength.verbosityReward.toFixed(2)}.`,
    '',
    '| built contrast | pairs | right |',
    '|---|---|---|',
    ...contrasts,
    '',
    '| preferences of | pairs | right | longer wins | mean reward |',
    '|---|---|---|---|---|',
    ...preferences,
    '',
    '## What the objectives were trained on',
    '',
    '| objective | labels | what they were | agreement within source on those prompts (rows) |',
    '|---|---|---|---|',
    ...objectives,
    '',
  ].join('\n');
}
