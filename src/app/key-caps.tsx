/** A shortcut as the caps of its keys. */
import { Fragment } from 'react';
import { shortcutCaps } from '@/state/shortcut-keys.ts';
import { onMac } from './keyboard.ts';
import classes from './palette.module.css';

export function KeyCaps({ shortcut }: { readonly shortcut: string }) {
  return (
    <span className={classes.keys}>
      {shortcutCaps(shortcut, onMac).map((caps, step) => (
        <Fragment key={step}>
          {step === 0 ? null : <span className="muted small"> then </span>}
          {caps.map((cap) => (
            <kbd key={cap}>{cap}</kbd>
          ))}
        </Fragment>
      ))}
    </span>
  );
}
