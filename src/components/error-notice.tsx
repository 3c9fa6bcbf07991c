/** An error as the person meets it: what was wrong, where, what to do. Details fold away, ready to be copied. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { EngineError } from '@/engine/api/errors.ts';
import { remedies } from './error-remedies.ts';
import { Notice } from './notice.tsx';

interface Props {
  readonly error: EngineError;
  readonly onReload?: () => void;
  readonly children?: ReactNode;
}

export function ErrorNotice({ error, onReload, children }: Props) {
  const remedy = remedies[error.code];
  return (
    <Notice tone="bad" title={remedy.title}>
      <p>{error.message}</p>
      <p className="muted">{remedy.whatToDo}</p>
      {error.detail === undefined ? null : (
        <details>
          <summary>Details for a bug report</summary>
          <pre>{error.detail}</pre>
        </details>
      )}
      {remedy.reload && onReload !== undefined ? (
        <div>
          <Button size="compact-sm" variant="default" onClick={onReload}>
            Load the model again
          </Button>
        </div>
      ) : null}
      {children}
    </Notice>
  );
}
