/**
 * A button with a few actions behind it, as the ARIA menu pattern has it: arrows, Home and End move, Escape and Tab leave, the
 * focus goes back to the button. It opens in its place, so it works in dialogs as well as on the page.
 */
import { ActionIcon } from '@mantine/core';
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import classes from './action-menu.module.css';

export interface MenuAction {
  readonly label: string;
  readonly run: () => void;
}

interface Props {
  /** Of the button. */
  readonly label: string;
  readonly icon: ReactNode;
  readonly title?: string;
  readonly actions: readonly MenuAction[];
}

export function ActionMenu({ label, icon, title, actions }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    itemsOf(menu.current)[0]?.focus();
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && root.current?.contains(event.target) !== true) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const move = (event: KeyboardEvent) => {
    const all = itemsOf(menu.current);
    const at = all.findIndex((item) => item === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === 'Escape') {
      // Only the menu closes, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === 'Tab') setOpen(false);
    else if (to !== undefined) {
      event.preventDefault();
      all.at(to % all.length)?.focus();
    }
  };
  return (
    <div ref={root} className={classes.root}>
      <ActionIcon
        ref={button}
        size="sm"
        variant={open ? 'light' : 'subtle'}
        color="gray"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        title={title}
        onClick={() => setOpen(!open)}
      >
        {icon}
      </ActionIcon>
      {open ? (
        <div ref={menu} id={id} role="menu" aria-label={label} tabIndex={-1} className={classes.menu} onKeyDown={move}>
          {actions.map((action) => (
            <button
              key={action.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close();
                action.run();
              }}
            >
              {action.label}
            </button>
          ))}
        </div>
      ) : null}
    </div>
  );
}

function itemsOf(menu: HTMLElement | null): HTMLElement[] {
  return [...(menu?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
}
