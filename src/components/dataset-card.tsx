/** An open dataset: what it is, how its columns are read, and its first records as they would be read. Props only. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { formatBytes, formatQuantity } from './number-format.ts';
import classes from './dataset-card.module.css';
import tableClasses from './plain-table.module.css';

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** One thing a mapping says where to find. */
export interface DatasetPart {
  readonly part: string;
  readonly label: string;
  readonly required: boolean;
  /** It is needed, and no column holds it. */
  readonly missing: boolean;
  /** Its column; '' for none. */
  readonly column: string;
}

/** A record as the mapping reads it, or why it cannot be used. */
export type DatasetRecordRow =
  | {
      readonly row: number;
      readonly item: {
        readonly messages: readonly { readonly content: string }[];
        readonly responses: readonly { readonly text: string; readonly role: string; readonly label?: number }[];
      };
    }
  | { readonly row: number; readonly problem: string };

export interface DatasetCardProps {
  readonly name: string;
  readonly format: string;
  readonly bytes: number;
  readonly columns: readonly string[];
  /** What the columns are read as, and by whose word. */
  readonly layout: string;
  /** The mapping cannot be told from the file: ask at once. */
  readonly unknown: boolean;
  readonly shape: string;
  readonly shapes: readonly Choice[];
  readonly parts: readonly DatasetPart[];
  /** First records; empty while the mapping is not whole. */
  readonly records: readonly DatasetRecordRow[];
  readonly limit: number | undefined;
  readonly onShape: (shape: string) => void;
  readonly onPart: (part: string, column: string | undefined) => void;
  readonly onReset: () => void;
  readonly onLimit: (limit: number | undefined) => void;
  readonly onClose: () => void;
  /** Being read: nothing can be changed. */
  readonly running: boolean;
  /** Something has been made of it: what it was is of less interest than what came out. */
  readonly used: boolean;
  readonly children?: ReactNode;
}

export function DatasetCard(props: DatasetCardProps) {
  const { name, format, bytes, columns, layout, unknown, records, limit, onLimit, onClose, running, used } = props;
  const [asked, setAsked] = useState(unknown);
  return (
    <>
      <div className={classes.head}>
        <h2 className={classes.name}>{name}</h2>
        <div className={classes.buttons}>
          <Button
            size="compact-sm"
            variant="default"
            aria-expanded={asked}
            disabled={running}
            onClick={() => setAsked(!asked)}
          >
            Columns…
          </Button>
          <Button size="compact-sm" variant="default" disabled={running} onClick={onClose}>
            Close the dataset
          </Button>
        </div>
      </div>
      <p className="small" role="status" aria-label="Layout">
        {formatNames[format] ?? format}, {formatBytes(bytes)}, {formatQuantity(columns.length, 'column')}. {layout}
      </p>
      {asked && !running ? <ColumnMapper {...props} /> : null}
      {used ? null : <Preview records={records} />}
      {used && !asked ? null : (
        <TextInput
          className={classes.limit ?? ''}
          size="xs"
          label="Only the first"
          description="Items; empty for all."
          inputMode="numeric"
          disabled={running}
          defaultValue={limit ?? ''}
          onChange={(event) => {
            const count = Number(event.currentTarget.value);
            onLimit(Number.isInteger(count) && count > 0 ? count : undefined);
          }}
        />
      )}
    </>
  );
}

const formatNames: Readonly<Record<string, string>> = {
  jsonl: 'JSON lines',
  json: 'JSON',
  csv: 'CSV',
  parquet: 'Parquet',
};

function ColumnMapper({ shape, shapes, parts, columns, onShape, onPart, onReset }: DatasetCardProps) {
  return (
    <div className={classes.mapper} role="group" aria-label="Columns">
      <NativeSelect
        size="xs"
        label="A record is"
        value={shape}
        data={[...shapes]}
        onChange={(event) => onShape(event.currentTarget.value)}
      />
      {parts.map(({ part, label, required, missing, column }) => (
        <NativeSelect
          key={part}
          size="xs"
          label={`${label}${required ? '' : ' (optional)'}`}
          value={column}
          error={missing ? 'needed' : undefined}
          data={[{ value: '', label: '–' }, ...columns.map((each) => ({ value: each, label: each }))]}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            onPart(part, chosen === '' ? undefined : chosen);
          }}
        />
      ))}
      <Button size="compact-sm" variant="default" onClick={onReset}>
        As the file says
      </Button>
    </div>
  );
}

function Preview({ records }: { readonly records: readonly DatasetRecordRow[] }) {
  if (records.length === 0) return null;
  return (
    // A narrow window scrolls the table by itself, also with the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scrollX} role="region" aria-label="First records" tabIndex={0}>
      <table className={tableClasses.plain} aria-label="First records as they would be scored">
        <thead>
          <tr>
            <th scope="col">Row</th>
            <th scope="col">Prompt</th>
            <th scope="col">Responses</th>
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <tr key={record.row}>
              <th scope="row">{record.row}</th>
              {'problem' in record ? (
                <td colSpan={2} className={classes.bad}>
                  {record.problem}
                </td>
              ) : (
                <>
                  <td>{short(record.item.messages.at(-1)?.content ?? '')}</td>
                  <td>
                    {record.item.responses.map(({ text, role, label }, at) => (
                      // Responses stay in their places.
                      // oxlint-disable-next-line react/no-array-index-key
                      <div key={at}>
                        <span className="muted">
                          {role === 'candidate' ? `response ${at + 1}` : role}
                          {label === undefined ? '' : `, label ${label}`}:
                        </span>{' '}
                        {short(text)}
                      </div>
                    ))}
                  </td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHORT = 140;

function short(text: string): string {
  return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text;
}
