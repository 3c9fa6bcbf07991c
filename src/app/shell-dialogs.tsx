/** The shell's dialogs. Their code is fetched when they are first opened. */
import { useShell } from '@/state/shell-store.ts';
import { lazyComponent } from './lazy-component.tsx';

const palette = lazyComponent({
  name: 'The command palette',
  load: async () => (await import('./palette.tsx')).Palette,
  waiting: null,
});
const shortcuts = lazyComponent({
  name: 'The list of shortcuts',
  load: async () => (await import('./shortcuts-dialog.tsx')).ShortcutsDialog,
  waiting: null,
});

export const dialogPrefetches = [palette.prefetch, shortcuts.prefetch];

export function ShellDialogs() {
  const dialog = useShell((state) => state.dialog);
  if (dialog === 'palette') return <palette.Component />;
  return dialog === 'shortcuts' ? <shortcuts.Component /> : undefined;
}
