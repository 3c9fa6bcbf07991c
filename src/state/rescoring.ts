/** How far the scored set that is being read under another head is. One at a time: the loaded set under the head in force. */
import { create } from 'zustand';

export interface Rescoring {
  readonly doneRows: number;
}

export const useRescoring = create<Rescoring>(() => ({ doneRows: 0 }));

export function reportRescoring(doneRows: number): void {
  useRescoring.setState({ doneRows });
}
