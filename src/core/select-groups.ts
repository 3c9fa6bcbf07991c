/** A part of a scored set: the groups that are wanted, in their order. */
import { nameAt, rowRoles, ScoredSetBuilder, type ScoredRow, type ScoredSet } from './scored-set.ts';

/** One row of a set as it went into it. */
export function rowOf(set: ScoredSet, row: number): ScoredRow {
  const k = set.objectives.length;
  const prompt = set.promptOf[row]!;
  const label = set.labels[row]!;
  const known = (value: number): number | undefined => (value < 0 ? undefined : value);
  return {
    score: set.scores[row]!,
    rewards: set.rewards.subarray(row * k, (row + 1) * k),
    gateWeights: set.gateWeights.subarray(prompt * k, (prompt + 1) * k),
    gateLogits: set.gateLogits?.subarray(prompt * k, (prompt + 1) * k),
    role: rowRoles[set.roles[row]!],
    style: known(set.styles[row]!),
    label: Number.isNaN(label) ? undefined : label,
    responseTokens: known(set.responseTokens[row]!),
    characters: known(set.characters[row]!),
    subset: nameAt(set.subsets, row),
    section: nameAt(set.sections, row),
    warnings: set.warnings.get(row),
    extra: set.extras[row],
    response: set.texts?.responses[row],
  };
}

/** @returns a set of its own, with no group where none is wanted. */
export function selectGroups(set: ScoredSet, wanted: (group: number) => boolean): ScoredSet {
  const builder = new ScoredSetBuilder(set.objectives, set.modelId, set.head);
  for (let group = 0; group < set.groups; group++) {
    if (!wanted(group)) continue;
    const first = set.groupStart[group]!;
    const rows = Array.from({ length: set.groupStart[group + 1]! - first }, (_, i) => rowOf(set, first + i));
    builder.addGroup(set.ids[group]!, set.sourceRows[first]!, rows, set.texts?.messages[group]);
  }
  return builder.finish();
}
