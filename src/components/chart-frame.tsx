/**
 * The frame every chart sits in: title, one sentence that says what it shows, its table twin, its legend, and its export as
 * SVG, PNG and CSV.
 */
import { ActionIcon } from '@mantine/core';
import { useId, useRef, useState, type ReactNode } from 'react';
import { ActionMenu } from './action-menu.tsx';
import { pngOf, readPicture, saveFile, type LegendEntry } from './chart-picture.ts';
import { tableCsv, type ChartTable as TableData } from './chart-table-data.ts';
import { ChartTable } from './chart-table.tsx';
import { ChartIcon, DownloadIcon, TableIcon } from './icons.tsx';
import { markerPath } from './objective-language.ts';
import classes from './chart-frame.module.css';

interface Props {
  readonly title: string;
  /** What the chart shows, in one sentence made of its numbers: its accessible name, and shown below it. */
  readonly summary: string;
  /** The numbers drawn; asked for only when the table is shown or saved. */
  readonly table: () => TableData;
  /** Of the exported files, without ending; letters, digits and hyphens. */
  readonly fileName: string;
  /** SVG elements, a recharts chart, or a canvas. */
  readonly children: ReactNode;
  readonly legend?: readonly LegendEntry[];
  /** Controls beside the title, such as a choice of scale. */
  readonly controls?: ReactNode;
  /** More to read below the summary. */
  readonly note?: ReactNode;
  /** The chart is drawn on a canvas: its SVG holds an image, and the menu says so. */
  readonly raster?: boolean;
  /** The chart has controls inside it, so it cannot be one image to a screen reader. */
  readonly interactive?: boolean;
  readonly headingLevel?: 2 | 3 | 4;
  /** Start as the table. */
  readonly startAsTable?: boolean;
}

export function ChartFrame({
  title,
  summary,
  table,
  fileName,
  children,
  legend = [],
  controls,
  note,
  raster = false,
  interactive = false,
  headingLevel = 3,
  startAsTable = false,
}: Props) {
  const id = useId();
  const picture = useRef<HTMLDivElement>(null);
  const [asTable, setAsTable] = useState(startAsTable);
  const [problem, setProblem] = useState<string>();
  const Heading = `h${headingLevel}` as const;
  const save = (kind: 'svg' | 'png' | 'csv') => {
    setProblem(undefined);
    makeFile(kind, picture.current, { title, summary, legend }, table)
      .then((blob) => saveFile(`${fileName}.${kind}`, blob))
      .catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        setProblem(`The ${kind.toUpperCase()} could not be made: ${why} The CSV has the same numbers.`);
      });
  };
  return (
    <figure className={classes.frame} aria-labelledby={`${id}-title`} aria-describedby={`${id}-summary`}>
      <div className={classes.head}>
        <Heading id={`${id}-title`} className={classes.title}>
          {title}
        </Heading>
        <div className={classes.tools}>
          {controls}
          <ActionIcon
            size="sm"
            variant={asTable ? 'light' : 'subtle'}
            color="gray"
            aria-label={`Show ${title} as a table`}
            aria-pressed={asTable}
            title={asTable ? 'Show the chart' : 'Show the numbers as a table'}
            onClick={() => setAsTable(!asTable)}
          >
            {asTable ? <ChartIcon /> : <TableIcon />}
          </ActionIcon>
          <ActionMenu
            label={`Export ${title}`}
            title="Export"
            icon={<DownloadIcon />}
            actions={[
              { label: raster ? 'SVG, holding an image' : 'SVG picture', run: () => save('svg') },
              { label: 'PNG picture', run: () => save('png') },
              { label: 'CSV table', run: () => save('csv') },
            ]}
          />
        </div>
      </div>
      {/* Beside the table the chart keeps its place at no height, so that it can still be exported as it was. */}
      <div className={asTable ? classes.away : undefined} inert={asTable}>
        <div
          ref={picture}
          className={classes.picture}
          role={interactive ? 'group' : 'img'}
          aria-label={interactive ? title : summary}
        >
          {/* One image to a screen reader: what is inside is not read again, piece by piece. */}
          <div aria-hidden={interactive ? undefined : true}>{children}</div>
        </div>
      </div>
      {asTable ? <ChartTable label={title} data={table()} /> : null}
      {legend.length === 0 || asTable ? null : (
        <ul className={classes.legend} aria-label={`Legend of ${title}`}>
          {legend.map((entry) => (
            <li key={entry.label}>
              <Swatch entry={entry} />
              {entry.label}
            </li>
          ))}
        </ul>
      )}
      <figcaption className={`${classes.caption} muted small`}>
        <span id={`${id}-summary`}>{summary}</span>
        {note === undefined ? null : <> {note}</>}
      </figcaption>
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem}
        </p>
      )}
    </figure>
  );
}

async function makeFile(
  kind: 'svg' | 'png' | 'csv',
  container: HTMLElement | null,
  words: { title: string; summary: string; legend: readonly LegendEntry[] },
  table: () => TableData,
): Promise<Blob> {
  // The byte order mark lets spreadsheets see that the text is UTF-8.
  if (kind === 'csv') return new Blob(['\ufeff', tableCsv(table())], { type: 'text/csv;charset=utf-8' });
  if (container === null) throw new Error('the chart is not on the page.');
  const picture = readPicture(container, words);
  return kind === 'png' ? await pngOf(picture) : new Blob([picture.text], { type: 'image/svg+xml' });
}

function Swatch({ entry }: { readonly entry: LegendEntry }) {
  return (
    <svg width="18" height="10" viewBox="0 0 18 10" aria-hidden="true" focusable="false">
      {entry.shape === undefined ? (
        entry.box !== undefined ? (
          <rect
            x="4.5"
            y="0.5"
            width="9"
            height="9"
            fill={entry.box === true ? entry.colour : 'none'}
            stroke={entry.colour}
          />
        ) : (
          <line
            x2="18"
            y1="5"
            y2="5"
            stroke={entry.colour}
            strokeWidth="2.5"
            {...(entry.dash === undefined ? {} : { strokeDasharray: entry.dash })}
          />
        )
      ) : (
        <path d={markerPath(entry.shape, 9)} transform="translate(9,5)" fill={entry.colour} fillRule="evenodd" />
      )}
    </svg>
  );
}
