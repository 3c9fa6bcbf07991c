/** The command palette: every command by name. A combobox over a list: the focus stays in the field, arrows choose. */
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { navigate } from 'wouter/use-hash-location';
import { Dialog } from '@/components/dialog.tsx';
import { findCommands, registerCommands, useCommandList, type Command } from '@/state/commands.ts';
import { loadExamples, openExample } from '@/state/examples.ts';
import { trackWork } from '@/state/pending-work.ts';
import { openDialog } from '@/state/shell-store.ts';
import { KeyCaps } from './key-caps.tsx';
import classes from './palette.module.css';

/** A palette that offers itself is of no use. */
const hidden = new Set(['shell.palette']);

/** The examples by name, while the palette is open. Where they cannot be fetched, the other commands are all there is. */
function useExampleCommands(): void {
  useEffect(() => {
    let withdraw: (() => void) | undefined;
    let open = true;
    loadExamples().then(
      (examples) => {
        if (!open) return;
        withdraw = registerCommands(
          examples.map(({ name, title, group, about }): Command => ({
            id: `example.${name}`,
            group: 'Examples',
            label: title,
            keywords: `example ${group} ${about}`,
            run: () => {
              navigate('/');
              void trackWork(openExample(name));
            },
          })),
        );
      },
      () => undefined,
    );
    return () => {
      open = false;
      withdraw?.();
    };
  }, []);
}

export function Palette() {
  useExampleCommands();
  const commands = useCommandList().filter(({ id }) => !hidden.has(id));
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState(0);
  const groups = findCommands(commands, query);
  const flat = groups.flatMap((group) => group.commands);
  const selected = flat[Math.min(chosen, flat.length - 1)];
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const optionId = (command: Command): string => `${listId}-${command.id}`;

  const choose = (index: number): void => {
    setChosen(index);
    const command = flat[index];
    if (command !== undefined) document.getElementById(optionId(command))?.scrollIntoView({ block: 'nearest' });
  };
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    openDialog(undefined);
    // After the dialog has given the focus back, so that a command may move it.
    setTimeout(command.run, 0);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    const count = flat.length;
    const at = Math.min(chosen, count - 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: (at + 1) % count,
      ArrowUp: (at + count - 1) % count,
      PageDown: Math.min(count - 1, at + 8),
      PageUp: Math.max(0, at - 8),
    };
    const to = moves[event.key];
    if (to !== undefined && count > 0) choose(to);
    else if (event.key === 'Enter') run(selected);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog title="Commands" bare onClose={() => openDialog(undefined)}>
      <input
        className={classes.query}
        // The dialog gives it the focus as the first control in it.
        type="text"
        role="combobox"
        aria-label="Find a command"
        aria-expanded="true"
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={selected === undefined ? undefined : optionId(selected)}
        placeholder="Find a command"
        autoComplete="off"
        spellCheck={false}
        value={query}
        onChange={(event) => {
          setQuery(event.currentTarget.value);
          setChosen(0);
          list.current?.scrollTo(0, 0);
        }}
        onKeyDown={onKeyDown}
      />
      <div ref={list} id={listId} role="listbox" aria-label="Commands" tabIndex={-1} className={classes.list}>
        {groups.map(({ group, commands: members }) => (
          <div key={group} role="group" aria-label={group}>
            <p className={classes.group} aria-hidden="true">
              {group}
            </p>
            {members.map((command) => (
              <div
                key={command.id}
                id={optionId(command)}
                role="option"
                aria-selected={command === selected}
                className={classes.option}
                onMouseMove={() => setChosen(flat.indexOf(command))}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => run(command)}
              >
                <span>
                  {command.label}
                  {command.description === undefined ? null : (
                    <span className="muted small"> {command.description}</span>
                  )}
                </span>
                {command.shortcut === undefined ? null : <KeyCaps shortcut={command.shortcut} />}
              </div>
            ))}
          </div>
        ))}
      </div>
      <p role="status" className={flat.length === 0 ? classes.none : 'visually-hidden'}>
        {flat.length === 0 ? `No command is called “${query.trim()}”.` : `${flat.length} commands`}
      </p>
    </Dialog>
  );
}
