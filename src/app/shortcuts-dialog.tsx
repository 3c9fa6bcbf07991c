/** The keyboard shortcuts of everything that can be done right now, and the switch for those on plain keys. */
import { Dialog } from '@/components/dialog.tsx';
import { findCommands, useCommandList } from '@/state/commands.ts';
import { openDialog, setPlainShortcuts, useShell } from '@/state/shell-store.ts';
import { isPlain } from '@/state/shortcut-keys.ts';
import { KeyCaps } from './key-caps.tsx';
import classes from './palette.module.css';

/** What the browser and the controls give by themselves, worth knowing here. */
const everywhere: readonly { readonly label: string; readonly shortcut: string }[] = [
  { label: 'Close a dialog or a menu', shortcut: 'escape' },
  { label: 'Next and previous control', shortcut: 'Tab' },
];

export function ShortcutsDialog() {
  const plain = useShell((state) => state.plainShortcuts);
  const groups = findCommands(
    useCommandList().filter(({ shortcut }) => shortcut !== undefined),
    '',
  );
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => openDialog(undefined)}>
      <div className={classes.shortcuts} tabIndex={0} role="region" aria-label="Shortcuts">
        <label className={classes.switch}>
          <input type="checkbox" checked={plain} onChange={(event) => setPlainShortcuts(event.currentTarget.checked)} />
          Shortcuts on plain keys (turn off for speech input)
        </label>
        <div className={classes.columns}>
          {groups.map(({ group, commands }) => (
            <section key={group} aria-label={group}>
              <h3>{group}</h3>
              <dl>
                {commands.map((command) => (
                  <div key={command.id} data-off={!plain && isPlain(command.shortcut ?? '') ? true : undefined}>
                    <dt>{command.label}</dt>
                    <dd>
                      <KeyCaps shortcut={command.shortcut ?? ''} />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
          <section aria-label="Everywhere">
            <h3>Everywhere</h3>
            <dl>
              {everywhere.map(({ label, shortcut }) => (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>
                    <KeyCaps shortcut={shortcut} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        </div>
      </div>
    </Dialog>
  );
}
