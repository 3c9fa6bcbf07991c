/** The shell's own choices: which of its dialogs is open, and whether plain keys are shortcuts. */
import { create } from 'zustand';

export type ShellDialog = 'palette' | 'shortcuts';

export interface ShellState {
  readonly dialog: ShellDialog | undefined;
  /** Speech input types letters without meaning them: plain keys can be turned off (WCAG 2.1.4). */
  readonly plainShortcuts: boolean;
}

const plainShortcutsKey = 'armoscope.plain-shortcuts';

function remembered(): boolean {
  try {
    return globalThis.localStorage.getItem(plainShortcutsKey) !== 'off';
  } catch {
    // No storage (a private window, Node): the default.
    return true;
  }
}

export const useShell = create<ShellState>(() => ({ dialog: undefined, plainShortcuts: remembered() }));

export function openDialog(dialog: ShellDialog | undefined): void {
  useShell.setState({ dialog });
}

export function setPlainShortcuts(plainShortcuts: boolean): void {
  useShell.setState({ plainShortcuts });
  try {
    globalThis.localStorage.setItem(plainShortcutsKey, plainShortcuts ? 'on' : 'off');
  } catch {
    // Then it holds until the page is closed.
  }
}
