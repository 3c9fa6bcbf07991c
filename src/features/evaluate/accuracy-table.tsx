/** Accuracy by subset and section, each beside what preferring the longer or the shorter would reach. */
import { Panel } from '@/components/panel.tsx';
import { formatCount, formatPercent, fullPrecision } from '@/components/number-format.ts';
import type { BaselinedAccuracy } from '@/core/evaluation-report.ts';
import type { Accuracy } from '@/core/pair-accuracy.ts';
import type { Reports } from './use-report.ts';
import { accuracyWords, differs } from './words.ts';
import tableClasses from '@/components/plain-table.module.css';
import classes from './evaluate-view.module.css';

export function AccuracyTable({
  reports: { report, baseline },
  name,
}: {
  readonly reports: Reports;
  readonly name: string;
}) {
  if (report.comparedBy === 'nothing') return null;
  const before = new Map([...baseline.subsets, ...baseline.sections].map((entry) => [entry.name, entry.accuracy]));
  const parts: readonly [string, readonly BaselinedAccuracy[]][] = [
    ['Sections', report.sections],
    ['Subsets', report.subsets],
  ];
  return (
    <Panel name="Accuracy" className={`${classes.panel} ${classes.wide}`}>
      <h2>Accuracy by subset</h2>
      <div className={classes.scrollX} role="region" aria-label={`Accuracy table of ${name}`} tabIndex={0}>
        <table
          className={`${tableClasses.plain} ${tableClasses.numbers} numeric`}
          aria-label="Accuracy by subset and section"
        >
          <thead>
            <tr>
              <th scope="col">Subset</th>
              <th scope="col">Comparisons</th>
              <th scope="col">Accuracy</th>
              <th scope="col">95 % interval</th>
              <th scope="col">Baseline</th>
              <th scope="col">Ties</th>
              <th scope="col">Longest wins</th>
              <th scope="col">Shortest wins</th>
            </tr>
          </thead>
          <tbody>
            <Row entry={report.overall} label="All" baseline={baseline.overall.accuracy} />
          </tbody>
          {parts.map(([title, entries]) =>
            entries.length === 0 ? null : (
              <tbody key={title}>
                <tr>
                  <th scope="rowgroup" colSpan={8} className="muted">
                    {title}
                  </th>
                </tr>
                {entries.map((entry) => (
                  <Row
                    key={entry.name}
                    entry={entry}
                    label={entry.name}
                    baseline={before.get(entry.name) ?? Number.NaN}
                  />
                ))}
              </tbody>
            ),
          )}
        </table>
      </div>
    </Panel>
  );
}

function Row({
  entry,
  label,
  baseline,
}: {
  readonly entry: BaselinedAccuracy;
  readonly label: string;
  readonly baseline: number;
}) {
  const moved = differs(baseline, entry.accuracy);
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{formatCount(entry.comparisons)}</td>
      <td title={fullPrecision(entry.accuracy)}>{formatPercent(entry.accuracy)}</td>
      <td>{accuracyWords(entry)}</td>
      <td
        title={fullPrecision(baseline)}
        className={moved ? (entry.accuracy > baseline ? classes.good : classes.bad) : 'muted'}
      >
        {formatPercent(baseline)}
      </td>
      <td>{formatCount(entry.ties)}</td>
      <Share of={entry.longest} />
      <Share of={entry.shortest} />
    </tr>
  );
}

function Share({ of }: { readonly of: Accuracy | undefined }) {
  return of === undefined ? (
    <td className="muted">–</td>
  ) : (
    <td title={fullPrecision(of.accuracy)}>{formatPercent(of.accuracy)}</td>
  );
}
