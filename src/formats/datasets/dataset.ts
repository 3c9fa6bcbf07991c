/** What a dataset to evaluate is made of, whichever layout it comes in. */
import type { RowRole } from '@/core/scored-set.ts';
import type { LineMessage } from '../conversation-fields.ts';

/** One response of an item. */
export interface DatasetResponse {
  readonly text: string;
  readonly role: RowRole;
  /** RM-Bench's style: 0 concise, 1 detailed, 2 detailed in Markdown. */
  readonly style?: number;
  /** How good it is by the dataset's own label; higher is better. */
  readonly label?: number;
  /** Everything its record rates it by, by field; only where the reader was asked for it. */
  readonly ratings?: Readonly<Record<string, number>>;
}

/** Responses that compete for one conversation: a pair, N answers, RM-Bench's six, or a single one. */
export interface DatasetItem {
  /** Where its first record is in the source, from 1. */
  readonly row: number;
  readonly id: string;
  /** The conversation they answer; the last message is the user's. */
  readonly messages: readonly LineMessage[];
  readonly responses: readonly DatasetResponse[];
  readonly subset?: string;
  readonly section?: string;
  /** The record's other fields as the text of a JSON object; '' where there are none. */
  readonly extra: string;
}

/** A record of the source, or what was wrong with it. `text` is the record as it was. */
export type DatasetRecord =
  | { readonly row: number; readonly value: Readonly<Record<string, unknown>>; readonly text: () => string }
  | { readonly row: number; readonly error: string; readonly text: () => string };
