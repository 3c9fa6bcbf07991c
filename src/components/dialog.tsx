/**
 * A modal dialog on the browser's own `<dialog>`: it keeps the focus inside, closes on Escape, makes the page behind inert, and
 * gives the focus back to where it was. No style is made at run time, which the page's policy forbids.
 */
import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import { CrossIcon } from './icons.tsx';
import classes from './dialog.module.css';

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  /** The title is there for screen readers only, and so is no button to close: for dialogs that are one control. */
  readonly bare?: boolean;
  readonly children: ReactNode;
}

/** Open while it is mounted. */
export function Dialog({ title, onClose, bare = false, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // A layout effect is undone before the element leaves the page: only a dialog that is still in it gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={bare ? `${classes.dialog} ${classes.bare ?? ''}` : classes.dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        // The backdrop belongs to the dialog; its content lies in a box of its own.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className={classes.content}>
        <div className={bare ? 'visually-hidden' : classes.head}>
          <h2 id={titleId}>{title}</h2>
          {bare ? null : (
            <button type="button" className={classes.close} aria-label="Close" onClick={onClose}>
              <CrossIcon />
            </button>
          )}
        </div>
        {children}
      </div>
    </dialog>
  );
}
