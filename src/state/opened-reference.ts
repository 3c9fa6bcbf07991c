/** The reference set that Debias read from a file; its arrays lie beside the store, which says where reading stands. */
import { create } from 'zustand';
import type { HeadReplacement } from '@/core/head-replacement.ts';
import type { ScoredSet } from '@/core/scored-set.ts';

/** What was read. */
export interface OpenedReference {
  readonly name: string;
  /** Package id of the model whose head read it. */
  readonly modelId: string;
  readonly objectives: readonly string[];
  /** Raw r `[n, k]`. */
  readonly rewards: Float64Array;
  /** With a gate, where the file has prompts. */
  readonly scored: ScoredSet | undefined;
  /** Where it holds features: the file, and the parts of another head it was read with. */
  readonly features?: { readonly file: File; readonly parts: HeadReplacement } | undefined;
}

export interface OpenedReferenceState {
  /** Changes with every file. */
  readonly id: number;
  readonly reading: boolean;
  /** Why the file was not opened, in words. */
  readonly problem: string | undefined;
}

export const useOpenedReference = create<OpenedReferenceState>(() => ({ id: 0, reading: false, problem: undefined }));

let opened: { readonly id: number; readonly reference: OpenedReference } | undefined;

export function openedReference(id: number): OpenedReference | undefined {
  return opened?.id === id ? opened.reference : undefined;
}

/** A file is being read. @returns its number, and the ways to end: a later file makes both do nothing. */
export function referenceReading(): {
  readonly keep: (reference: OpenedReference) => void;
  readonly refuse: (problem: string) => void;
} {
  const id = useOpenedReference.getState().id + 1;
  useOpenedReference.setState({ id, reading: true, problem: undefined });
  const isLast = () => useOpenedReference.getState().id === id;
  return {
    keep(reference) {
      if (!isLast()) return;
      opened = { id, reference };
      useOpenedReference.setState({ reading: false });
    },
    refuse(problem) {
      if (isLast()) useOpenedReference.setState({ reading: false, problem });
    },
  };
}
