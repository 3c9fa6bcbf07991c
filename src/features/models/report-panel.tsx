/** The figures a package brings about itself (`report.json`), drawn as they are: objects as lists, rows as tables. */
import { useQuery } from '@tanstack/react-query';
import { formatSignificant, fullPrecision } from '@/components/number-format.ts';
import { reportQuery, type ReportValue } from '@/queries/report-query.ts';
import type { ModelChoice } from '@/state/model-choice.ts';
import { isRecord, isTable, readableKey, tableOf, type ReportRecord } from './report-shape.ts';
import classes from './models-view.module.css';

export function ReportPanel({ choice, loadId }: { readonly choice: ModelChoice; readonly loadId: number }) {
  const report = useQuery(reportQuery(choice, loadId));
  if (!isRecord(report.data)) return undefined;
  return (
    <section className={`card ${classes.card}`} aria-label="Report of the model">
      <h2>Report</h2>
      <p className="muted small">Written by whoever built the package, when it was built.</p>
      <RecordView record={report.data} depth={0} />
    </section>
  );
}

function Scalar({ value }: { readonly value: ReportValue }) {
  if (typeof value === 'number') {
    const whole = Number.isInteger(value);
    return <span title={fullPrecision(value)}>{whole ? String(value) : formatSignificant(value)}</span>;
  }
  if (value === null) return <span className="muted">none</span>;
  if (typeof value === 'boolean') return <>{value ? 'yes' : 'no'}</>;
  return <>{typeof value === 'string' ? value : JSON.stringify(value)}</>;
}

function RecordView({ record, depth }: { readonly record: ReportRecord; readonly depth: number }) {
  const entries = Object.entries(record);
  const flat = entries.filter(([, value]) => typeof value !== 'object' || value === null);
  const deep = entries.filter(([, value]) => typeof value === 'object' && value !== null);
  return (
    <>
      {flat.length === 0 ? null : (
        <dl className={`${classes.facts} numeric`}>
          {flat.map(([key, value]) => (
            <div key={key}>
              <dt>{readableKey(key)}</dt>
              <dd>
                <Scalar value={value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {deep.map(([key, value]) => (
        <Part key={key} name={readableKey(key)} value={value} depth={depth} />
      ))}
    </>
  );
}

function Part({ name, value, depth }: { readonly name: string; readonly value: ReportValue; readonly depth: number }) {
  const body = isTable(value) ? (
    <FiguresTable name={name} value={value} />
  ) : Array.isArray(value) ? (
    <ul className={classes.plainList}>
      {(value as readonly ReportValue[]).map((entry, index) => (
        // A report is never reordered.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={index}>
          <Entry entry={entry} depth={depth + 1} />
        </li>
      ))}
    </ul>
  ) : isRecord(value) ? (
    <RecordView record={value} depth={depth + 1} />
  ) : (
    <Scalar value={value} />
  );
  return (
    <details
      className={classes.part}
      open={depth === 0 && Array.isArray(value) && value.every((entry) => typeof entry === 'string')}
    >
      <summary>{name}</summary>
      {body}
    </details>
  );
}

/** One entry of a list; one that has a name is folded under it, so that nineteen objectives are nineteen lines at first. */
function Entry({ entry, depth }: { readonly entry: ReportValue; readonly depth: number }) {
  if (!isRecord(entry)) return <Scalar value={entry} />;
  const { name, ...rest } = entry;
  return typeof name === 'string' ? (
    <Part name={name} value={rest} depth={depth} />
  ) : (
    <RecordView record={entry} depth={depth} />
  );
}

function FiguresTable({ name, value }: { readonly name: string; readonly value: ReportValue }) {
  const { columns, rows } = tableOf(value);
  return (
    // Wide tables scroll inside their frame, so it must be reachable by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={name}>
      <table className={`${classes.figures} numeric`}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column === '' ? <span className="visually-hidden">Name</span> : readableKey(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            // oxlint-disable-next-line react/no-array-index-key
            <tr key={at}>
              {row.map((cell, index) =>
                index === 0 ? (
                  <th scope="row" key={columns[index]}>
                    <Scalar value={cell ?? ''} />
                  </th>
                ) : (
                  <td key={columns[index]} className={typeof cell === 'number' ? classes.right : undefined}>
                    {cell === undefined ? '' : <Scalar value={cell} />}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
