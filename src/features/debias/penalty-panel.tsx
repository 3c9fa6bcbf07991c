/** λ of every objective by the three methods side by side, and what each leaves of the correlation. */
import { fullPrecision } from '@/components/number-format.ts';
import { ObjectiveName } from '@/components/objective-marker.tsx';
import type { PenaltyComparison } from '@/core/debias-report.ts';
import { authorsPenaltyGrid, authorsRhoThreshold } from '@/core/debias.ts';
import { useDebias } from '@/state/debias-store.ts';
import type { DebiasSubject } from './use-debias.ts';
import { formatRange, formatRho } from './words.ts';
import classes from './debias-view.module.css';

export function PenaltyPanel({ subject }: { readonly subject: DebiasSubject }) {
  const { penalties, objectives, verbosity, intervalsPending } = subject;
  const method = useDebias((state) => state.method);
  return (
    <>
      <p className="muted small">
        Each λ is what is subtracted of verbosity: r′ = r − λ r<sub>v</sub>. The exact root takes Spearman’s ρ across
        zero at one step; Pearson’s is Cov / Var; the authors’ script takes the first of {authorsPenaltyGrid.length}{' '}
        values from 0 to {authorsPenaltyGrid.at(-1)} that leaves ρ ≤ {authorsRhoThreshold}, else 1.
      </p>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} tabIndex={0} role="group" aria-label="Penalties: table">
        <table className={`${classes.table} numeric`} aria-label="Penalties by method">
          <thead>
            <tr>
              <th scope="col">Objective</th>
              <th scope="col">Exact λ</th>
              <th scope="col">leaves ρ</th>
              <th scope="col">Pearson λ</th>
              <th scope="col">leaves ρ</th>
              <th scope="col">Grid λ</th>
              <th scope="col">leaves ρ</th>
            </tr>
          </thead>
          <tbody>
            {penalties.flatMap((row) => {
              const objective = objectives[row.objective];
              if (objective === undefined) return [];
              return [
                <tr key={objective.name}>
                  <th scope="row">
                    <ObjectiveName objective={objective} />
                  </th>
                  {row.objective === verbosity ? (
                    <td colSpan={6}>1 by definition: it is what is subtracted</td>
                  ) : (
                    <PenaltyCells row={row} method={method} />
                  )}
                </tr>,
              ];
            })}
          </tbody>
        </table>
      </div>
      <p className="muted small" role="status" aria-label="Intervals of λ">
        {intervalsPending ? 'Computing the intervals of λ…' : 'Intervals of the exact λ: 95 %, bootstrap over prompts.'}
      </p>
    </>
  );
}

function PenaltyCells({
  row: { exact, pearson, grid },
  method,
}: {
  readonly row: PenaltyComparison;
  readonly method: string;
}) {
  const cells = [
    {
      name: 'exact',
      found: exact,
      range: formatRange(exact?.interval),
      tag: exact === undefined ? '' : outside(exact.penalty),
    },
    { name: 'pearson', found: pearson, range: '', tag: '' },
    { name: 'authors-grid', found: grid, range: '', tag: gridTag(grid) },
  ];
  return cells.flatMap(({ name, found, range, tag }) => [
    <td
      key={`${name}-penalty`}
      data-chosen={name === method}
      title={found === undefined ? '' : fullPrecision(found.penalty)}
    >
      {found === undefined ? '–' : formatRho(found.penalty)}
      {range === '' ? null : <span className={classes.range}>{range}</span>}
      {tag === '' ? null : <span className={classes.tag}>{tag}</span>}
    </td>,
    <td
      key={`${name}-left`}
      data-chosen={name === method}
      title={found === undefined ? '' : fullPrecision(found.spearman)}
    >
      {found === undefined ? '–' : formatRho(found.spearman)}
    </td>,
  ]);
}

/** What the authors' range cannot hold. */
function outside(penalty: number): string {
  if (penalty < 0) return 'below 0';
  return penalty > 1 ? 'above 1' : '';
}

function gridTag(grid: PenaltyComparison['grid']): string {
  if (grid === undefined) return '';
  if (!grid.found) return 'none fits';
  return grid.spearman < -authorsRhoThreshold ? 'left negative' : '';
}
