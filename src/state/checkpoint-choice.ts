/** The checkpoint folder that was chosen or dropped, to be converted. Its files are readable only as long as the page is open. */
import { create } from 'zustand';
import type { PickedFile } from './model-choice.ts';

export interface ChosenCheckpoint {
  readonly name: string;
  readonly files: readonly PickedFile[];
}

export const useCheckpointChoice = create<{ readonly chosen: ChosenCheckpoint | undefined }>(() => ({
  chosen: undefined,
}));

export function chooseCheckpoint(chosen: ChosenCheckpoint | undefined): void {
  useCheckpointChoice.setState({ chosen });
}
