/** What the column mapper needs to know of the formats: shapes, their parts, and what a mapping makes of the first records. */
import {
  applyMapping,
  requiredColumns,
  type ColumnMapping,
  type RecordShape,
} from '@/formats/datasets/column-mapping.ts';
import type { DatasetItem } from '@/formats/datasets/dataset.ts';
import { missingColumns, type LayoutName } from '@/formats/datasets/layouts.ts';
import { RowProblem } from '@/formats/rejected-rows.ts';
import type { DraftMapping, OpenDataset } from '@/state/evaluation-store.ts';

export type MappingPart = Exclude<keyof ColumnMapping, 'shape'>;
export type { RecordShape };

export const shapeWords: Readonly<Record<RecordShape, string>> = {
  pair: 'a chosen and a rejected response',
  transcripts: 'a chosen and a rejected transcript (Human: … Assistant: …)',
  styles: 'three chosen and three rejected, by style',
  response: 'one response; records of one prompt belong together',
  responses: 'all responses of a prompt',
  conversation: 'a conversation that ends with the response',
  preference: 'input, preferred and non-preferred output',
};

export const recordShapes: readonly RecordShape[] = [
  'pair',
  'transcripts',
  'styles',
  'response',
  'responses',
  'conversation',
  'preference',
];

export const layoutWords: Readonly<Record<LayoutName, string>> = {
  'reward-bench': 'RewardBench',
  'rm-bench': 'RM-Bench',
  'hh-rlhf': 'HH-RLHF transcripts',
  ultrafeedback: 'UltraFeedback completions',
  helpsteer: 'HelpSteer ratings',
  'openai-messages': 'OpenAI messages',
  'openai-preference': 'OpenAI preferences',
  pairs: 'plain pairs',
  responses: 'plain responses',
  mapped: 'your own columns',
};

export const partWords: Readonly<Record<MappingPart, string>> = {
  prompt: 'Prompt',
  system: 'System text',
  chosen: 'Chosen',
  rejected: 'Rejected',
  response: 'Response',
  label: 'Label',
  chosenLabel: 'Label of the chosen',
  rejectedLabel: 'Label of the rejected',
  subset: 'Subset',
  section: 'Section',
  id: 'Id',
  group: 'Group',
};

const pairParts: readonly MappingPart[] = ['prompt', 'chosen', 'rejected', 'chosenLabel', 'rejectedLabel'];
const responseParts: readonly MappingPart[] = ['prompt', 'response', 'label', 'group'];
const shapeParts: Readonly<Record<RecordShape, readonly MappingPart[]>> = {
  pair: pairParts,
  transcripts: ['chosen', 'rejected'],
  styles: ['prompt', 'chosen', 'rejected'],
  response: responseParts,
  responses: ['prompt', 'response', 'label'],
  conversation: ['response', 'label', 'group'],
  preference: ['prompt', 'chosen', 'rejected'],
};

const commonParts: readonly MappingPart[] = ['system', 'subset', 'section', 'id'];

/** Parts of a shape, those it cannot do without first. */
export function partsOf(shape: RecordShape): readonly { readonly part: MappingPart; readonly required: boolean }[] {
  const required = requiredColumns[shape];
  return [...shapeParts[shape], ...commonParts].map((part) => ({ part, required: required.includes(part) }));
}

/** The mapping once it is whole; `undefined` with what is missing still to be named. */
export function wholeMapping(mapping: DraftMapping, columns: readonly string[]): ColumnMapping | undefined {
  return missingColumns(mapping, columns).length === 0 ? mapping : undefined;
}

export function missingParts(mapping: DraftMapping, columns: readonly string[]): readonly string[] {
  return missingColumns(mapping, columns);
}

/** Only the parts that the shape knows: changing the shape must not leave others behind. */
export function withShape(mapping: DraftMapping, shape: RecordShape): DraftMapping {
  const known = new Set<string>(partsOf(shape).map(({ part }) => part));
  const kept = Object.entries(mapping).filter(([part]) => known.has(part));
  return { ...Object.fromEntries(kept), shape };
}

/** A part's column chosen, or taken back. */
export function withPart(mapping: DraftMapping, part: MappingPart, column: string | undefined): DraftMapping {
  const { [part]: _before, ...rest } = mapping;
  return column === undefined ? rest : { ...rest, [part]: column };
}

/** A record as the mapping reads it, or why it cannot be used. */
export type PreviewedRecord =
  | { readonly row: number; readonly item: DatasetItem }
  | { readonly row: number; readonly problem: string };

/** The first records under a whole mapping. */
export function previewRecords(
  { samples }: Pick<OpenDataset, 'samples'>,
  mapping: ColumnMapping,
  count: number,
): readonly PreviewedRecord[] {
  return samples.slice(0, count).map((sample, at) => {
    try {
      return { row: at + 1, item: applyMapping(mapping, sample, at + 1, () => JSON.stringify(sample)).item };
    } catch (problem) {
      if (!(problem instanceof RowProblem)) throw problem;
      return { row: at + 1, problem: `${problem.field === '' ? '' : `${problem.field}: `}${problem.message}` };
    }
  });
}
