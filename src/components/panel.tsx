/** A titled card of a view: a landmark with a name, its heading where the content brings none, and room around it. */
import type { ReactNode, Ref } from 'react';
import classes from './panel.module.css';

interface Props {
  /** Its accessible name. */
  readonly name: string;
  /** Shown at its top; absent where the content has a heading of its own. */
  readonly heading?: string | undefined;
  readonly className?: string | undefined;
  readonly ref?: Ref<HTMLElement>;
  readonly tabIndex?: number;
  readonly children: ReactNode;
}

export function Panel({ name, heading, className = '', ref, tabIndex, children }: Props) {
  return (
    <section ref={ref} className={`card ${classes.panel} ${className}`} aria-label={name} tabIndex={tabIndex}>
      {heading === undefined ? null : <h2>{heading}</h2>}
      {children}
    </section>
  );
}
