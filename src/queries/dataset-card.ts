/** The open dataset as the card that shows it takes it: for every view that opens one. */
import { useMemo } from 'react';
import { closeDataset, resetMapping, setLimit, setMapping, type OpenDataset } from '@/state/evaluation-store.ts';
import {
  layoutWords,
  missingParts,
  partsOf,
  partWords,
  previewRecords,
  recordShapes,
  shapeWords,
  wholeMapping,
  withPart,
  withShape,
} from './dataset-mapping.ts';

const PREVIEWED = 5;

/** Props of the card, but for what is being done with the dataset. */
export function useDatasetCard(dataset: OpenDataset) {
  const { name, format, bytes, recognised, columns, mapping, limit } = dataset;
  const whole = wholeMapping(mapping, columns);
  const records = useMemo(
    () => (whole === undefined ? [] : previewRecords(dataset, whole, PREVIEWED)),
    [dataset, whole],
  );
  const missing = missingParts(mapping, columns);
  const parts = partsOf(mapping.shape);
  return {
    name,
    format,
    bytes,
    columns,
    layout: layoutSentence(dataset, whole !== undefined),
    unknown: recognised === undefined,
    shape: mapping.shape,
    shapes: recordShapes.map((value) => ({ value, label: shapeWords[value] })),
    parts: parts.map(({ part, required }) => ({
      part,
      label: partWords[part],
      required,
      missing: missing.includes(part),
      column: mapping[part] ?? '',
    })),
    records,
    limit,
    onShape: (value: string) => {
      const shape = recordShapes.find((each) => each === value);
      if (shape !== undefined) setMapping(withShape(mapping, shape));
    },
    onPart: (value: string, column: string | undefined) => {
      const found = parts.find(({ part }) => part === value);
      if (found !== undefined) setMapping(withPart(mapping, found.part, column));
    },
    onReset: resetMapping,
    onLimit: setLimit,
    onClose: closeDataset,
  };
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
