/**
 * A component whose code is fetched when it is first shown. Unlike `React.lazy`, a fetch that failed (the server is gone, the
 * connection dropped) is told in the view's place and can be tried again.
 */
import { Button } from '@mantine/core';
import { useEffect, useState, type ComponentType, type ReactNode } from 'react';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { EngineError } from '@/engine/api/errors.ts';
import { trackWork } from '@/state/pending-work.ts';
import classes from './shell.module.css';

export interface LazyComponent {
  /** In words, for the person who waits. */
  readonly name: string;
  readonly load: () => Promise<ComponentType>;
  /** Shown meanwhile; by default a view's heading. */
  readonly waiting?: ReactNode;
}

export function lazyComponent({ name, load, waiting = <Waiting name={name} /> }: LazyComponent): {
  readonly Component: ComponentType;
  readonly prefetch: () => Promise<ComponentType>;
} {
  let fetched: ComponentType | undefined;
  let fetching: Promise<ComponentType> | undefined;
  const prefetch = async (): Promise<ComponentType> => {
    fetching ??= trackWork(load());
    try {
      fetched = await fetching;
      return fetched;
    } finally {
      fetching = undefined;
    }
  };

  function Lazy() {
    const [attempt, setAttempt] = useState(1);
    const [outcome, setOutcome] = useState<{ readonly attempt: number; readonly error?: unknown }>();
    useEffect(() => {
      let wanted = true;
      if (fetched !== undefined) return undefined;
      prefetch().then(
        () => {
          if (wanted) setOutcome({ attempt });
        },
        (error: unknown) => {
          if (wanted) setOutcome({ attempt, error });
        },
      );
      return () => {
        wanted = false;
      };
    }, [attempt]);
    const Component = fetched;
    if (Component !== undefined) return <Component />;
    if (outcome?.attempt !== attempt) return waiting;
    const detail = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    const error = new EngineError({
      code: 'network',
      message: `${name} is fetched when it is first opened, and the server did not answer. What is open keeps working.`,
      detail,
    });
    return (
      <div className={classes.waiting}>
        <h1>{name}</h1>
        <ErrorNotice error={error}>
          <div className={classes.actions}>
            <Button size="compact-sm" onClick={() => setAttempt(attempt + 1)}>
              Try again
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
              Reload the page
            </Button>
          </div>
        </ErrorNotice>
      </div>
    );
  }
  return { Component: Lazy, prefetch };
}

function Waiting({ name }: { readonly name: string }) {
  return (
    <div className={classes.waiting} aria-busy="true">
      <h1>{name}</h1>
      <p className="muted" role="status">
        Fetching the view …
      </p>
    </div>
  );
}
