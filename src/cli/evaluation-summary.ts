/** The report of an evaluation as text to read. */
import type { Interval } from '@/core/wilson.ts';
import type { BaselinedAccuracy, EvaluationReport } from '@/core/evaluation-report.ts';
import type { EvaluationFileReport } from './evaluate-run.ts';

const nameWidth = 36;

/** Everything of a report in about a screen. */
export function summarise(report: EvaluationFileReport): string {
  const { results } = report;
  const parts = [
    `${report.input}: ${results.rows} responses in ${results.groups} items` +
      `${report.model === undefined ? '' : `, scored by ${report.model}`}; penalties: ${report.penalties}`,
    accuracies(results),
    benchmarks(results),
    lengths(results),
    calibration(results),
    picks(results),
    objectives(report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function percent(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? '      –' : `${(100 * share).toFixed(1).padStart(5)} %`;
}

function range({ low, high }: Interval): string {
  return Number.isNaN(low) ? '' : `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

function accuracies({ overall, subsets, sections, comparedBy }: EvaluationReport): string {
  if (comparedBy === 'nothing') return 'There is nothing to compare: no chosen and rejected responses, and no labels.';
  const line = ({ name, accuracy, interval, comparisons, ties, longest, shortest }: BaselinedAccuracy): string =>
    `  ${name.slice(0, nameWidth).padEnd(nameWidth)} ${percent(accuracy)} ${range(interval).padEnd(14)} ${String(comparisons).padStart(6)}` +
    `${String(ties).padStart(6)} ${percent(longest?.accuracy)} ${percent(shortest?.accuracy)}`;
  const head =
    `Accuracy${comparedBy === 'label' ? ' (pairs by label)' : ''}`.padEnd(nameWidth + 2) +
    '           95 %            pairs  ties longest shortest';
  const block = (title: string, rows: readonly BaselinedAccuracy[]): string[] =>
    rows.length === 0 ? [] : [title, ...rows.map(line)];
  return [head, line(overall), ...block('by section', sections), ...block('by subset', subsets)].join('\n');
}

function benchmarks({ rewardBench, rewardBenchScript, rmBench }: EvaluationReport): string {
  const lines: string[] = [];
  if (rewardBench !== undefined) {
    const sections = rewardBench.sections.map(({ section, score }) => `${section} ${percent(score).trim()}`);
    lines.push(`RewardBench ${percent(rewardBench.score).trim()}: ${sections.join(', ')}`);
    if (rewardBench.missing.length > 0) lines.push(`  without ${rewardBench.missing.join(', ')}`);
    lines.push(`  as ArmoRM's script counts it (XSTest counts exchanged): ${percent(rewardBenchScript?.score).trim()}`);
  }
  if (rmBench !== undefined) {
    const { average, easy, normal, hard, domains, leftOut } = rmBench;
    lines.push(
      `RM-Bench ${percent(average).trim()}: easy ${percent(easy).trim()}, normal ${percent(normal).trim()}, hard ${percent(hard).trim()}` +
        (leftOut === 0 ? '' : `; ${leftOut} items left out`),
    );
    for (const domain of domains)
      lines.push(
        `  ${domain.domain.padEnd(10)} easy ${percent(domain.easy)} normal ${percent(domain.normal)} hard ${percent(domain.hard)} (${domain.items} items, ${domain.ties} ties)`,
      );
  }
  return lines.join('\n');
}

function lengths({ length }: EvaluationReport): string {
  if (length === undefined) return '';
  const { matched, reweighted, scoreWithLength, unit, matchedTolerance: tolerance } = length;
  return [
    `Length in ${unit}: Spearman of score and length ${scoreWithLength.toFixed(3)}`,
    `  pairs within ${100 * tolerance} % of each other ${percent(matched.accuracy)} ${range(matched.interval)} of ${matched.comparisons}`,
    `  as if the longer were right half the time ${percent(reweighted.accuracy)} ${range(reweighted.interval)}`,
  ].join('\n');
}

function calibration({ calibration: { brier, ece, fittedScale }, comparedBy }: EvaluationReport): string {
  if (comparedBy === 'nothing') return '';
  return `Calibration: Brier ${brier.toFixed(4)}, ECE ${ece.toFixed(4)}, best factor on the margin ${fittedScale.toFixed(3)}`;
}

function picks({ bestOfN }: EvaluationReport): string {
  if (bestOfN === undefined) return '';
  const { meanRank, meanRegret, meanRandomRegret, best, interval } = bestOfN;
  return (
    `Best of N: the pick has the best label in ${percent(best).trim()} ${range(interval)}, mean rank ${meanRank.toFixed(2)}, ` +
    `mean regret ${meanRegret.toFixed(3)} (a random pick: ${meanRandomRegret.toFixed(3)})`
  );
}

function objectives({ results, objectives: names, debias }: EvaluationFileReport): string {
  const number = (value: number | undefined): string =>
    (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(3)).padStart(9);
  const head = `${'Objective'.padEnd(nameWidth + 2)}   alone  ρ verb.  ρ length    after   λ exact   Pearson     grid`;
  const lines = names.map((name, j) => {
    const before = debias?.before[j];
    const after = debias?.after?.[j];
    const penalty = debias?.penalties?.[j];
    return (
      `  ${name.slice(0, nameWidth).padEnd(nameWidth)} ${percent(results.objectives[j]?.accuracy)}` +
      `${number(before?.withVerbosity.spearman.value)}${number(before?.withLength?.spearman.value)}` +
      `${number(after?.withVerbosity.spearman.value)} ${number(penalty?.exact?.penalty)} ${number(penalty?.pearson?.penalty)}${number(penalty?.grid?.penalty)}`
    );
  });
  return [head, ...lines].join('\n');
}
