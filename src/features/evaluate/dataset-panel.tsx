/** The open dataset: what it is, how its columns are read, and its first records as they would be scored. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Panel } from '@/components/panel.tsx';
import { formatBytes, formatQuantity } from '@/components/number-format.ts';
import {
  layoutWords,
  missingParts,
  partsOf,
  previewRecords,
  recordShapes,
  shapeWords,
  wholeMapping,
  withPart,
  withShape,
  type PreviewedRecord,
} from '@/queries/dataset-mapping.ts';
import {
  closeDataset,
  isRunning,
  resetMapping,
  setLimit,
  setMapping,
  useEvaluation,
  type OpenDataset,
} from '@/state/evaluation-store.ts';
import { partWords } from './words.ts';
import classes from './evaluate-view.module.css';

const PREVIEWED = 5;

export function DatasetPanel() {
  const { dataset, run } = useEvaluation();
  return dataset === undefined ? null : (
    <Opened key={dataset.id} dataset={dataset} running={isRunning(run)} scored={run.status !== 'idle'} />
  );
}

interface Props {
  readonly dataset: OpenDataset;
  readonly running: boolean;
  readonly scored: boolean;
}

function Opened({ dataset, running, scored }: Props) {
  const { recognised, columns, mapping } = dataset;
  const whole = wholeMapping(mapping, columns);
  const [asked, setAsked] = useState(recognised === undefined);
  const records = useMemo(
    () => (whole === undefined ? [] : previewRecords(dataset, whole, PREVIEWED)),
    [dataset, whole],
  );
  return (
    <Panel name="Open dataset" className={classes.panel}>
      <div className={classes.head}>
        <h2 className={classes.name}>{dataset.name}</h2>
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
          <Button size="compact-sm" variant="default" disabled={running} onClick={closeDataset}>
            Close the dataset
          </Button>
        </div>
      </div>
      <p className="small" role="status" aria-label="Layout">
        {formatName(dataset.format)}, {formatBytes(dataset.bytes)}, {formatQuantity(columns.length, 'column')}.{' '}
        {layoutSentence(dataset, whole !== undefined)}
      </p>
      {asked && !running ? <ColumnMapper dataset={dataset} /> : null}
      {scored ? null : <Preview records={records} />}
      {scored && !asked ? null : (
        <TextInput
          className={classes.limit ?? ''}
          size="xs"
          label="Only the first"
          description="Items; empty for all."
          inputMode="numeric"
          disabled={running}
          defaultValue={dataset.limit ?? ''}
          onChange={(event) => {
            const count = Number(event.currentTarget.value);
            setLimit(Number.isInteger(count) && count > 0 ? count : undefined);
          }}
        />
      )}
    </Panel>
  );
}

/** What the columns are read as, and by whose word. */
function layoutSentence({ recognised, ownMapping, mapping }: OpenDataset, whole: boolean): string {
  const shape = shapeWords[mapping.shape];
  if (recognised !== undefined && !ownMapping)
    return `Recognised as the layout of ${layoutWords[recognised.layout]}: ${shape}.`;
  if (!whole) return 'The layout is none that is known: say which column holds what.';
  if (ownMapping) return `Read by your own columns: ${shape}.`;
  return 'The layout is none that is known: the columns below are guessed, check them against the first records.';
}

const formatNames: Readonly<Record<string, string>> = {
  jsonl: 'JSON lines',
  json: 'JSON',
  csv: 'CSV',
  parquet: 'Parquet',
};

function formatName(format: string): string {
  return formatNames[format] ?? format;
}

function ColumnMapper({ dataset: { mapping, columns } }: { readonly dataset: OpenDataset }) {
  const missing = missingParts(mapping, columns);
  return (
    <div className={classes.mapper} role="group" aria-label="Columns">
      <NativeSelect
        size="xs"
        label="A record is"
        value={mapping.shape}
        data={recordShapes.map((value) => ({ value, label: shapeWords[value] }))}
        onChange={(event) => {
          const shape = recordShapes.find((each) => each === event.currentTarget.value);
          if (shape !== undefined) setMapping(withShape(mapping, shape));
        }}
      />
      {partsOf(mapping.shape).map(({ part, required }) => (
        <NativeSelect
          key={part}
          size="xs"
          label={`${partWords[part]}${required ? '' : ' (optional)'}`}
          value={mapping[part] ?? ''}
          error={missing.includes(part) ? 'needed' : undefined}
          data={[{ value: '', label: '–' }, ...columns.map((name) => ({ value: name, label: name }))]}
          onChange={(event) => {
            const column = event.currentTarget.value;
            setMapping(withPart(mapping, part, column === '' ? undefined : column));
          }}
        />
      ))}
      <Button size="compact-sm" variant="default" onClick={resetMapping}>
        As the file says
      </Button>
    </div>
  );
}

function Preview({ records }: { readonly records: readonly PreviewedRecord[] }) {
  if (records.length === 0) return null;
  return (
    <div className={classes.scrollX} role="region" aria-label="First records" tabIndex={0}>
      <table className={classes.plain} aria-label="First records as they would be scored">
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
