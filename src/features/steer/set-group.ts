/** A group of the loaded set as responses that can be steered by hand: those a pair is most likely chosen from. Pure. */
import type { ScoredSet } from '@/core/scored-set.ts';
import { rowRoles } from '@/core/scored-set.ts';
import { steerableSet } from '@/core/steering-batch.ts';
import type { SteerableHead, SteerableResponse } from '@/core/steering.ts';

/** As many as Inspect has: letters and colours for more would say nothing. */
export const MOST_SHOWN = 8;

export interface GroupResponse {
  readonly letter: string;
  readonly index: number;
  readonly text: string;
  readonly unsteered: SteerableResponse;
}

/** Rows of a group that are shown, in the file's order: all, or those the model scores highest. */
export function shownRows({ groupStart, scores }: ScoredSet, group: number): readonly number[] {
  const [start, end] = [groupStart[group] ?? 0, groupStart[group + 1] ?? 0];
  const rows = Array.from({ length: end - start }, (_, at) => start + at);
  if (rows.length <= MOST_SHOWN) return rows;
  return rows
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
    .slice(0, MOST_SHOWN)
    .sort((a, b) => a - b);
}

export function groupResponses(set: ScoredSet, head: SteerableHead, group: number): readonly GroupResponse[] {
  const k = head.objectives;
  // One group is all that is needed, but logits that are missing are found for prompts, not for rows.
  const { gateLogits, promptOf } = steerableSet(set, head);
  return shownRows(set, group).map((row, index) => ({
    letter: String.fromCharCode(65 + index),
    index,
    text: rowText(set, row),
    unsteered: {
      rewards: set.rewards.slice(row * k, (row + 1) * k),
      gateLogits: gateLogits.slice((promptOf[row] ?? 0) * k, ((promptOf[row] ?? 0) + 1) * k),
    },
  }));
}

/** The response's text, or what is known of it. */
export function rowText({ texts, roles, sourceRows }: ScoredSet, row: number): string {
  const text = texts?.responses[row];
  if (text !== undefined && text !== '') return text;
  const role = rowRoles[roles[row] ?? 0] ?? 'candidate';
  return `${role === 'candidate' ? 'Response' : role[0]?.toUpperCase() + role.slice(1)}, row ${sourceRows[row] ?? row + 1}`;
}
