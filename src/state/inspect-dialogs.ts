/** Which of Inspect's dialogs is open. */
import { create } from 'zustand';

export type InspectDialog =
  | { readonly kind: 'examples' | 'history' | 'paste' | 'share' }
  /** What the model reads of the response with this draft id. */
  | { readonly kind: 'tokens'; readonly draftId: number };

interface InspectDialogState {
  readonly dialog: InspectDialog | undefined;
}

export const useInspectDialog = create<InspectDialogState>(() => ({ dialog: undefined }));

export function openInspectDialog(dialog: InspectDialog | undefined): void {
  useInspectDialog.setState({ dialog });
}
