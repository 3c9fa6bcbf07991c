/** Every comparison with its margin before and now, sortable and filterable; one press opens its texts in Inspect. */
import { Checkbox, NativeSelect, TextInput } from '@mantine/core';
import '@mantine/core/styles/Checkbox.css';
import '@mantine/core/styles/InlineInput.css';
import { useMemo, useState } from 'react';
import { navigate } from 'wouter/use-hash-location';
import { Panel } from '@/components/panel.tsx';
import { Excerpt } from '@/components/excerpt.tsx';
import { formatCount, formatQuantity, formatSigned, fullPrecision } from '@/components/number-format.ts';
import { RowAction } from '@/components/row-action.tsx';
import { VirtualTable, type VirtualColumn } from '@/components/virtual-table.tsx';
import { comparisonColumns, filterComparisons, type ComparisonQuery } from '@/core/comparison-table.ts';
import { chosenComparisons } from '@/core/evaluation-report.ts';
import { orderRows, type Direction } from '@/core/row-order.ts';
import { nameAt, type Comparisons } from '@/core/scored-set.ts';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import { conversationOf } from '@/state/conversation.ts';
import { openConversation } from '@/state/inspect-store.ts';
import { ResponsesTable } from './responses-table.tsx';
import { rowConversation, rowText } from './row-texts.ts';
import classes from './evaluate-view.module.css';

interface Props {
  readonly evaluated: EvaluatedSet;
}

type SortKey = 'margin' | 'baseline' | 'length' | 'flip';
const sortNames: Readonly<Record<SortKey, string>> = {
  margin: 'Margin',
  baseline: 'Baseline',
  length: 'Longer by',
  flip: 'Flip',
};

const outcomes = ['right', 'wrong', 'tied'] as const;

interface Range {
  readonly from: string;
  readonly to: string;
}
const open: Range = { from: '', to: '' };

export function RowsTable({ evaluated }: Props) {
  const { comparisons, comparedBy } = useMemo(() => chosenComparisons(evaluated.set), [evaluated.set]);
  return (
    <Panel name="Rows" className={`${classes.panel} ${classes.wide}`}>
      {comparedBy === 'nothing' ? (
        <ResponsesTable evaluated={evaluated} />
      ) : (
        <ComparisonRows evaluated={evaluated} comparisons={comparisons} />
      )}
    </Panel>
  );
}

function ComparisonRows({
  evaluated: { set, summary, scores },
  comparisons,
}: Props & { readonly comparisons: Comparisons }) {
  const [subset, setSubset] = useState('');
  const [outcome, setOutcome] = useState<(typeof outcomes)[number]>();
  const [flipped, setFlipped] = useState(false);
  const [margin, setMargin] = useState(open);
  const [length, setLength] = useState(open);
  const [sort, setSort] = useState<{ readonly key: SortKey; readonly direction: Direction }>();

  // Scores are overwritten in place: `scores` itself is what tells that they have changed.
  const columns = useMemo(() => {
    const baseline = scores?.batch.baseline.scores ?? set.scores;
    return comparisonColumns(comparisons, scores?.scores.scores ?? baseline, baseline);
  }, [comparisons, scores, set]);
  const lengths = useMemo(
    () =>
      Float64Array.from(comparisons.chosen, (row, at) => {
        const [a, b] = [set.responseTokens[row] ?? -1, set.responseTokens[comparisons.rejected[at] ?? 0] ?? -1];
        return a < 0 || b < 0 ? Number.NaN : a - b;
      }),
    [comparisons, set],
  );
  const query = useMemo((): ComparisonQuery => {
    const marginRange = rangeOf(margin);
    const lengthRange = rangeOf(length);
    return {
      ...(subset === '' ? {} : { subsets: new Set([Number(subset)]) }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(flipped ? { flipped } : {}),
      ...(marginRange === undefined ? {} : { margin: marginRange }),
      ...(lengthRange === undefined ? {} : { lengthDifference: lengthRange }),
    };
  }, [subset, outcome, flipped, margin, length]);
  const shown = useMemo(() => {
    const found = filterComparisons(set, comparisons, columns, query);
    if (sort === undefined) return found;
    const keys = {
      margin: columns.margins,
      baseline: columns.baseline,
      length: lengths,
      flip: Float64Array.from(columns.flipped),
    }[sort.key];
    return orderRows(found, keys, sort.direction);
  }, [set, comparisons, columns, query, sort, lengths]);

  const heading = (key: SortKey): VirtualColumn => ({
    name: sortNames[key],
    order: sort?.key === key ? sort.direction : 'none',
    onSort: () => setSort(nextSort(sort, key)),
  });
  const openRow = (at: number) => {
    const [a, b] = [comparisons.chosen[at] ?? 0, comparisons.rejected[at] ?? 0];
    const group = set.groupOf[a] ?? 0;
    const texts = rowConversation(set, group, [a, b]);
    if (texts === undefined) return;
    openConversation(conversationOf(texts), {
      origin: { kind: 'file', name: `${summary.name}, row ${set.sourceRows[a] ?? group + 1}` },
      submit: { mode: 'asked' },
    });
    navigate('/');
  };
  return (
    <>
      <h2>Comparisons</h2>
      <div className={classes.filters} role="group" aria-label="Filters">
        <NativeSelect
          size="xs"
          label="Subset"
          value={subset}
          onChange={(event) => setSubset(event.currentTarget.value)}
          data={[
            { value: '', label: 'all' },
            ...set.subsets.names.map((name, code) => ({ value: String(code), label: name })),
          ]}
        />
        <NativeSelect
          size="xs"
          label="Outcome"
          value={outcome ?? ''}
          onChange={(event) => setOutcome(outcomes.find((each) => each === event.currentTarget.value))}
          data={[{ value: '', label: 'any' }, ...outcomes]}
        />
        <RangeInputs name="Margin" value={margin} onChange={setMargin} />
        <RangeInputs name="Longer by" value={length} onChange={setLength} />
        <Checkbox
          size="xs"
          label="Flips only"
          checked={flipped}
          onChange={(event) => setFlipped(event.currentTarget.checked)}
        />
      </div>
      <p className="muted small numeric" role="status" aria-label="Rows shown">
        {formatCount(shown.length)} of {formatQuantity(comparisons.chosen.length, 'comparison')}. Margin: score of the
        chosen less that of the rejected. Longer by: tokens of the chosen less those of the rejected.
      </p>
      <VirtualTable
        label="Comparisons"
        grid={classes.pairGrid ?? ''}
        columns={[
          'Row',
          'Chosen',
          'Rejected',
          heading('margin'),
          heading('baseline'),
          heading('length'),
          heading('flip'),
          'Inspect',
        ]}
        rows={shown.length}
        empty="No comparison passes these filters."
        renderCells={(at) => {
          const comparison = shown[at] ?? 0;
          const [a, b] = [comparisons.chosen[comparison] ?? 0, comparisons.rejected[comparison] ?? 0];
          const group = set.groupOf[a] ?? 0;
          const name = nameAt(set.subsets, a);
          const [now, before] = [columns.margins[comparison] ?? 0, columns.baseline[comparison] ?? 0];
          const longer = lengths[comparison] ?? Number.NaN;
          const id = set.ids[group] ?? String(group + 1);
          return [
            <Excerpt key="id" text={id} title={name === undefined ? id : `${id}, ${name}`} />,
            <Excerpt key="chosen" text={rowText(set, a)} />,
            <Excerpt key="rejected" text={rowText(set, b)} />,
            <span key="now" title={fullPrecision(now)} className={now < 0 ? classes.bad : undefined}>
              {formatSigned(now, 3)}
            </span>,
            <span key="before" title={fullPrecision(before)}>
              {formatSigned(before, 3)}
            </span>,
            Number.isNaN(longer) ? '–' : longer > 0 ? `+${formatCount(longer)}` : formatCount(longer),
            columns.flipped[comparison] === 1 ? 'flip' : '',
            set.texts === undefined ? (
              ''
            ) : (
              <RowAction key="open" label={`Open ${id} in Inspect`} onClick={() => openRow(comparison)}>
                Open
              </RowAction>
            ),
          ];
        }}
      />
    </>
  );
}

/** Falling first, which shows the extremes; then rising; then the file's own order. */
function nextSort(sort: { readonly key: SortKey; readonly direction: Direction } | undefined, key: SortKey) {
  if (sort?.key !== key) return { key, direction: 'descending' as const };
  return sort.direction === 'descending' ? { key, direction: 'ascending' as const } : undefined;
}

/** What two fields say; nothing where neither holds a number. */
function rangeOf({ from, to }: Range): { readonly from: number; readonly to: number } | undefined {
  const read = (text: string, absent: number) => {
    const value = text.trim() === '' ? Number.NaN : Number(text.trim().replace('−', '-'));
    return Number.isNaN(value) ? absent : value;
  };
  const range = { from: read(from, -Infinity), to: read(to, Infinity) };
  return range.from === -Infinity && range.to === Infinity ? undefined : range;
}

function RangeInputs({
  name,
  value,
  onChange,
}: {
  readonly name: string;
  readonly value: Range;
  readonly onChange: (value: Range) => void;
}) {
  return (
    <>
      <TextInput
        size="xs"
        label={`${name}, from`}
        inputMode="decimal"
        value={value.from}
        onChange={(event) => onChange({ ...value, from: event.currentTarget.value })}
      />
      <TextInput
        size="xs"
        label={`${name}, to`}
        inputMode="decimal"
        value={value.to}
        onChange={(event) => onChange({ ...value, to: event.currentTarget.value })}
      />
    </>
  );
}
