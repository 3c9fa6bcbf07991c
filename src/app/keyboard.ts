/** Hears the shortcuts of all commands, wherever the focus is. */
import { useEffect } from 'react';
import { allCommands } from '@/state/commands.ts';
import { isPlain, matchShortcut } from '@/state/shortcut-keys.ts';
import { useShell } from '@/state/shell-store.ts';

/** A second key later than this begins anew. */
const SEQUENCE_MS = 1200;

export const onMac = /mac|iphone|ipad/i.test(globalThis.navigator?.userAgent ?? '');

/** Whether keys typed here are text. */
function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'button', 'submit', 'range', 'file'].includes(target.type);
  return target.isContentEditable || target.matches('textarea, select, [role=textbox], [role=combobox]');
}

export function useKeyboard(): void {
  useEffect(() => {
    let before: { readonly step: string; readonly atMs: number } | undefined;
    const hear = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.repeat || event.isComposing) return;
      const { plainShortcuts, dialog } = useShell.getState();
      const commands = allCommands().filter(({ shortcut, handlesShortcut }) => {
        if (shortcut === undefined || handlesShortcut === true) return false;
        return !isPlain(shortcut) || (plainShortcuts && !takesText(event.target));
      });
      const recent = before !== undefined && event.timeStamp - before.atMs <= SEQUENCE_MS ? before.step : undefined;
      const matched = matchShortcut(commands, event, recent, onMac);
      before = matched.kind === 'prefix' ? { step: matched.step, atMs: event.timeStamp } : undefined;
      // Under an open dialog nothing runs but what closes or changes the dialog itself.
      if (matched.kind !== 'run' || (modalIsOpen() && dialog === undefined)) return;
      event.preventDefault();
      matched.item.run();
    };
    window.addEventListener('keydown', hear);
    return () => window.removeEventListener('keydown', hear);
  }, []);
}

function modalIsOpen(): boolean {
  return document.querySelector('dialog:modal') !== null;
}
