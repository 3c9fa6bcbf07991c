/** The checkpoint folder that was chosen or dropped, to be converted. Its files are readable only as long as the page is open. */
import { create } from 'zustand';
import type { PickedFile } from './model-choice.ts';

export interface ChosenCheckpoint {
  readonly name: string;
  readonly files: readonly PickedFile[];
}

interface CheckpointChoice {
  readonly chosen: ChosenCheckpoint | undefined;
  /** It came as a folder dropped or opened as a package, so the person may not expect what is offered. */
  readonly offered: boolean;
}

export const useCheckpointChoice = create<CheckpointChoice>(() => ({ chosen: undefined, offered: false }));

export function chooseCheckpoint(chosen: ChosenCheckpoint | undefined): void {
  useCheckpointChoice.setState({ chosen, offered: false });
}

/** Chooses a checkpoint that was given where a package was meant. */
export function offerCheckpoint(chosen: ChosenCheckpoint): void {
  useCheckpointChoice.setState({ chosen, offered: true });
}
