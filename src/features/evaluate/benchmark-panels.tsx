/** The benchmarks' own figures, where the rows are theirs, and what a best-of-N pick gives away by label. */
import { SegmentedControl } from '@mantine/core';
import { Fragment, useState } from 'react';
import { Panel } from '@/components/panel.tsx';
import { formatPercent, formatQuantity, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import type { EvaluationReport } from '@/core/evaluation-report.ts';
import type { RewardBenchRule, RewardBenchScore } from '@/core/reward-bench.ts';
import type { RmBenchScore } from '@/core/rm-bench.ts';
import type { Reports } from './use-report.ts';
import { differs } from './words.ts';
import tableClasses from '@/components/plain-table.module.css';
import classes from './evaluate-view.module.css';

export function BenchmarkPanels({ reports: { report, baseline } }: { readonly reports: Reports }) {
  const { rewardBench, rewardBenchScript, rmBench, bestOfN } = report;
  return (
    <>
      {rewardBench === undefined || rewardBenchScript === undefined ? null : (
        <RewardBenchPanel
          scores={{ rewardbench: rewardBench, 'armorm-script': rewardBenchScript }}
          before={{ rewardbench: baseline.rewardBench, 'armorm-script': baseline.rewardBenchScript }}
        />
      )}
      {rmBench === undefined ? null : <RmBenchPanel score={rmBench} before={baseline.rmBench} />}
      {bestOfN === undefined ? null : <BestOfNPanel found={bestOfN} before={baseline.bestOfN} />}
    </>
  );
}

function Share({ value, before }: { readonly value: number | undefined; readonly before?: number | undefined }) {
  if (value === undefined) return <span className="muted">–</span>;
  return (
    <span title={fullPrecision(value)}>
      {formatPercent(value)}
      {before !== undefined && differs(before, value) ? (
        <span className="muted small"> baseline {formatPercent(before)}</span>
      ) : null}
    </span>
  );
}

function RewardBenchPanel({
  scores,
  before,
}: {
  readonly scores: Readonly<Record<RewardBenchRule, RewardBenchScore>>;
  readonly before: Readonly<Record<RewardBenchRule, RewardBenchScore | undefined>>;
}) {
  const [rule, setRule] = useState<RewardBenchRule>('rewardbench');
  const { score, sections, missing } = scores[rule];
  const earlier = before[rule];
  return (
    <Panel name="RewardBench" className={classes.panel}>
      <div className={classes.head}>
        <h2>RewardBench</h2>
        <SegmentedControl
          size="xs"
          aria-label="Weights"
          value={rule}
          onChange={(value) => setRule(value === 'armorm-script' ? 'armorm-script' : 'rewardbench')}
          data={[
            { value: 'rewardbench', label: 'As RewardBench' },
            { value: 'armorm-script', label: 'As ArmoRM’s script' },
          ]}
        />
      </div>
      <table className={`${tableClasses.plain} ${tableClasses.numbers} numeric`} aria-label="RewardBench sections">
        <thead>
          <tr>
            <th scope="col">Section</th>
            <th scope="col">Subsets</th>
            <th scope="col">Score</th>
          </tr>
        </thead>
        <tbody>
          {sections.map((section) => (
            <tr key={section.section}>
              <th scope="row">{section.section}</th>
              <td>
                {section.subsets.filter(({ accuracy }) => accuracy !== undefined).length} of {section.subsets.length}
              </td>
              <td>
                <Share
                  value={section.score}
                  before={earlier?.sections.find((each) => each.section === section.section)?.score}
                />
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">
              <strong>Score</strong>
            </th>
            <td />
            <td>
              <strong>
                <Share value={score} before={earlier?.score} />
              </strong>
            </td>
          </tr>
        </tbody>
      </table>
      <p className="muted small">
        {rule === 'rewardbench'
          ? 'A section is the mean of its subsets, weighted by their examples; the prior sets count half.'
          : 'The training script’s own counts: two XSTest subsets exchanged, no prior sets.'}
        {missing.length === 0
          ? ''
          : ` Not the leaderboard’s score: ${formatQuantity(missing.length, 'section or subset is', 'sections and subsets are')} missing.`}
      </p>
    </Panel>
  );
}

const styleNames = ['concise', 'detailed', 'detailed, Markdown'];

function RmBenchPanel({ score, before }: { readonly score: RmBenchScore; readonly before: RmBenchScore | undefined }) {
  const keys = ['easy', 'normal', 'hard', 'average'] as const;
  return (
    <Panel name="RM-Bench" className={classes.panel}>
      <h2>RM-Bench</h2>
      <div className={classes.scrollX} role="region" aria-label="RM-Bench tables" tabIndex={0}>
        <table className={`${tableClasses.plain} ${tableClasses.numbers} numeric`} aria-label="RM-Bench by domain">
          <thead>
            <tr>
              <th scope="col">Domain</th>
              <th scope="col">Items</th>
              {keys.map((key) => (
                <th scope="col" key={key}>
                  {`${key[0]?.toUpperCase() ?? ''}${key.slice(1)}`}
                </th>
              ))}
              <th scope="col">Ties</th>
            </tr>
          </thead>
          <tbody>
            {score.domains.map((domain) => (
              <tr key={domain.domain}>
                <th scope="row">{domain.domain}</th>
                <td>{domain.items}</td>
                {keys.map((key) => (
                  <td key={key}>
                    <Share
                      value={domain[key]}
                      before={before?.domains.find((each) => each.domain === domain.domain)?.[key]}
                    />
                  </td>
                ))}
                <td>{domain.ties}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">
                <strong>All</strong>
              </th>
              <td />
              {keys.map((key) => (
                <td key={key}>
                  <strong>
                    <Share value={score[key]} before={before?.[key]} />
                  </strong>
                </td>
              ))}
              <td />
            </tr>
          </tbody>
        </table>
        {score.domains.map(({ domain, matrix }) => (
          <Fragment key={domain}>
            <table
              className={`${tableClasses.plain} ${tableClasses.numbers} numeric`}
              aria-label={`RM-Bench styles, ${domain}`}
            >
              <thead>
                <tr>
                  <th scope="col">{domain}: chosen ↓, rejected →</th>
                  {styleNames.map((name) => (
                    <th scope="col" key={name}>
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {styleNames.map((name, row) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    {styleNames.map((other, column) => (
                      <td key={other}>
                        <Share value={matrix[row * styleNames.length + column]} />
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Fragment>
        ))}
      </div>
      <p className="muted small">
        Easy: the chosen is the more elaborate of the two styles; hard: the rejected is. A tie counts as wrong here, as
        its authors have it.
        {score.leftOut === 0 ? '' : ` ${formatQuantity(score.leftOut, 'item')} of no domain or not three and three.`}
      </p>
    </Panel>
  );
}

type Found = NonNullable<EvaluationReport['bestOfN']>;

function BestOfNPanel({ found, before }: { readonly found: Found; readonly before: Found | undefined }) {
  const baseline = (key: 'meanRank' | 'meanRegret') =>
    before !== undefined && differs(before[key], found[key]) ? (
      <span className="muted small"> baseline {formatSignificant(before[key], 3)}</span>
    ) : null;
  return (
    <Panel name="Best of N" className={classes.panel}>
      <h2>Best of N</h2>
      <dl className={`${classes.figures} numeric`}>
        <div>
          <dt>Picks the best by label</dt>
          <dd>
            <Share value={found.best} before={before?.best} />{' '}
            <span className="muted small">
              {formatPercent(found.interval.low)} to {formatPercent(found.interval.high)}
            </span>
          </dd>
        </div>
        <div>
          <dt>Mean rank of the pick by label</dt>
          <dd title={fullPrecision(found.meanRank)}>
            {formatSignificant(found.meanRank, 3)}
            {baseline('meanRank')}
          </dd>
        </div>
        <div>
          <dt>Regret</dt>
          <dd title={fullPrecision(found.meanRegret)}>
            {formatSignificant(found.meanRegret, 3)}
            {baseline('meanRegret')}
          </dd>
        </div>
        <div>
          <dt>Regret of a random pick</dt>
          <dd title={fullPrecision(found.meanRandomRegret)}>{formatSignificant(found.meanRandomRegret, 3)}</dd>
        </div>
      </dl>
      <p className="muted small">
        Of each prompt’s responses the highest-scored is picked. Regret: the best label less that of the pick, in the
        label’s own units, as a mean over the prompts.
      </p>
    </Panel>
  );
}
