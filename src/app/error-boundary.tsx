/** Keeps a mistake of ours in one view from taking the page with it. */
import { Button } from '@mantine/core';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { EngineError } from '@/engine/api/errors.ts';
import classes from './shell.module.css';

interface Props {
  /** Changes when another view is opened; the boundary then tries again. */
  readonly resetKey: string;
  readonly children: ReactNode;
}

interface State {
  readonly error: EngineError | undefined;
  readonly resetKey: string;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: undefined, resetKey: this.props.resetKey };

  static getDerivedStateFromError(cause: unknown): Partial<State> {
    return { error: EngineError.from(cause) };
  }

  static getDerivedStateFromProps(props: Props, state: State): State | null {
    return props.resetKey === state.resetKey ? null : { error: undefined, resetKey: props.resetKey };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <div className={classes.waiting}>
        <h1>This view stopped working</h1>
        <ErrorNotice error={error}>
          <p>The other views, the model and your texts are not affected.</p>
          <div className={classes.actions}>
            <Button size="compact-sm" onClick={() => this.setState({ error: undefined })}>
              Open the view again
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
              Reload the page
            </Button>
          </div>
        </ErrorNotice>
      </div>
    );
  }
}
