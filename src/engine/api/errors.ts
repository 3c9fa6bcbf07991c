/**
 * The one error that crosses the engine's boundary. It travels as data and is rebuilt on the other side.
 */
export type EngineErrorCode =
  | 'aborted'
  | 'no-model'
  | 'bad-package'
  | 'bad-input'
  | 'too-long'
  | 'unproven'
  | 'device-lost'
  | 'out-of-memory'
  | 'network'
  /** A package that is to be kept on this machine cannot be, or another tab is at it. */
  | 'storage'
  | 'disposed'
  | 'internal';

export interface EngineErrorData {
  readonly code: EngineErrorCode;
  /** What was wrong, where, and what to do: shown to the person as it is. */
  readonly message: string;
  /** For a bug report: the underlying error, the stage, the provider. */
  readonly detail?: string;
}

export class EngineError extends Error implements EngineErrorData {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly detail: string | undefined;
  constructor(data: EngineErrorData) {
    super(data.message);
    this.code = data.code;
    this.detail = data.detail;
  }
  toData(): EngineErrorData {
    return { code: this.code, message: this.message, ...(this.detail === undefined ? {} : { detail: this.detail }) };
  }
  /** Wraps anything thrown; an `EngineError` passes through, an AbortError becomes `aborted`. */
  static from(cause: unknown, fallback: EngineErrorCode = 'internal'): EngineError {
    if (cause instanceof EngineError) return cause;
    if (cause instanceof Error && cause.name === 'AbortError')
      return new EngineError({ code: 'aborted', message: 'Cancelled.' });
    const message = cause instanceof Error ? cause.message : String(cause);
    return new EngineError({
      code: fallback,
      message,
      ...(cause instanceof Error && cause.stack !== undefined ? { detail: cause.stack } : {}),
    });
  }
}
