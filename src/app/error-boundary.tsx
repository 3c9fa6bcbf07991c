/** Keeps a mistake of ours in one view from taking the page with it. */
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { EngineError } from '@/engine/api/errors.ts';

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
    return <ErrorNotice error={error} />;
  }
}
