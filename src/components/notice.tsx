/** A message in the flow of the page, with a tone that its title says too. */
import type { ReactNode } from 'react';
import classes from './notice.module.css';

interface Props {
  readonly tone: 'plain' | 'good' | 'warn' | 'bad';
  readonly title: string;
  readonly children?: ReactNode;
}

export function Notice({ tone, title, children }: Props) {
  return (
    <div className={`${classes.notice} ${classes[tone] ?? ''}`} role={tone === 'bad' ? 'alert' : undefined}>
      <p className={classes.title}>{title}</p>
      {children}
    </div>
  );
}
