/**
 * Every objective of one scored response: the table behind the charts. Cells show four significant digits and carry the
 * full number in their title. Roles are written out because narrow containers lay the rows out as grids.
 */
import { memo, type ReactNode } from 'react';
import { formatSignificant, fullPrecision } from './number-format.ts';
import { groupStyle, type NamedObjective } from './objective-language.ts';
import { ObjectiveName } from './objective-marker.tsx';
import classes from './objective-table.module.css';

export interface ObjectiveRow {
  readonly objective: NamedObjective;
  readonly reward: number;
  readonly adjusted: number;
  readonly gateWeight: number;
  readonly coefficient: number;
  /** coefficient · reward; over all rows they sum to the score. */
  readonly contribution: number;
}

interface Props {
  readonly label: string;
  readonly rows: readonly ObjectiveRow[];
  /** Largest |contribution| of everything shown side by side, so that bars of different tables compare. */
  readonly largestContribution: number;
}

const columns = [
  ['Objective', 'What is judged'],
  ['Reward', 'Raw reward r = W h (Eq 1)'],
  ['Adjusted', "Adjusted reward r' = r M, verbosity taken out (Eq 2)"],
  ['Gate weight', 'g, the weight the gate gives this objective for this prompt'],
  ['Coefficient', 'c = M g, the weight on the raw reward'],
  ['Contribution', 'Coefficient times reward; the column sums to the score'],
] as const;

function NumberCell({ value, children }: { readonly value: number; readonly children?: ReactNode }) {
  return (
    <td role="cell" className={classes.number} title={fullPrecision(value)}>
      {children}
      <span className={classes.value}>{formatSignificant(value)}</span>
    </td>
  );
}

/** A bar from the middle: left when it lowers the score, right when it raises it. */
function ContributionBar({ share, colour }: { readonly share: number; readonly colour: string }) {
  const width = Math.min(1, Math.abs(share)) * 50;
  return (
    <span className={classes.track} aria-hidden="true">
      <span
        className={classes.bar}
        style={{ left: `${share < 0 ? 50 - width : 50}%`, width: `${width}%`, background: colour }}
      />
    </span>
  );
}

/** Drawn anew only when its rows change, which keep their identity while texts are edited. */
export const ObjectiveTable = memo(function ObjectiveTable({ label, rows, largestContribution }: Props) {
  return (
    <div className={classes.container}>
      <table role="table" aria-label={label} className={classes.table}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(([name, meaning]) => (
              <th role="columnheader" scope="col" key={name} title={meaning}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr role="row" key={row.objective.name}>
              <th role="rowheader" scope="row">
                <ObjectiveName objective={row.objective} />
              </th>
              <NumberCell value={row.reward} />
              <NumberCell value={row.adjusted} />
              <NumberCell value={row.gateWeight} />
              <NumberCell value={row.coefficient} />
              <NumberCell value={row.contribution}>
                <ContributionBar
                  share={largestContribution > 0 ? row.contribution / largestContribution : 0}
                  colour={groupStyle(row.objective.group).colour}
                />
              </NumberCell>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
});
