/** Inspect's dialogs, each fetched when it is first opened. */
import { lazy, Suspense, type ComponentType } from 'react';
import { trackWork } from '@/state/pending-work.ts';
import { openInspectDialog, useInspectDialog } from '@/state/inspect-dialogs.ts';

export interface DialogProps {
  readonly onClose: () => void;
}

function dialog<Props>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await trackWork(load()) }));
}

const ExamplesDialog = dialog(async () => (await import('./examples-dialog.tsx')).ExamplesDialog);
const HistoryDialog = dialog(async () => (await import('./history-dialog.tsx')).HistoryDialog);
const PasteDialog = dialog(async () => (await import('./paste-dialog.tsx')).PasteDialog);
const ShareDialog = dialog(async () => (await import('./share-dialog.tsx')).ShareDialog);
const TokensDialog = dialog(async () => (await import('./tokens-dialog.tsx')).TokensDialog);

const close = () => openInspectDialog(undefined);

export function InspectDialogs() {
  const open = useInspectDialog((state) => state.dialog);
  if (open === undefined) return undefined;
  return (
    <Suspense fallback={null}>
      {open.kind === 'examples' ? <ExamplesDialog onClose={close} /> : null}
      {open.kind === 'history' ? <HistoryDialog onClose={close} /> : null}
      {open.kind === 'paste' ? <PasteDialog onClose={close} /> : null}
      {open.kind === 'share' ? <ShareDialog onClose={close} /> : null}
      {open.kind === 'tokens' ? <TokensDialog draftId={open.draftId} onClose={close} /> : null}
    </Suspense>
  );
}
