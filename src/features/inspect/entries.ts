/** What the parts of the analysis take: the responses that have been scored. */
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import type { InspectionEntry } from './use-inspection.ts';

export type ScoredEntry = InspectionEntry & { readonly scored: ScoredResponse };

export interface ScoredProps {
  readonly manifest: Manifest;
  /** In the order of the page; at least one. */
  readonly scored: readonly ScoredEntry[];
}

export function scoredEntries(entries: readonly InspectionEntry[]): ScoredEntry[] {
  return entries.filter((entry): entry is ScoredEntry => entry.scored !== undefined);
}

/** Highest score first; equal scores keep the order of the page. */
export function ranked(scored: readonly ScoredEntry[]): ScoredEntry[] {
  return [...scored].sort((a, b) => b.scored.score - a.scored.score);
}
