/** The one error that crosses the boundary of the jobs. It travels as data and is rebuilt on the other side. */

export type JobErrorCode =
  | 'aborted'
  | 'bad-input'
  | 'diverged'
  | 'device-lost'
  | 'out-of-memory'
  | 'storage'
  /** Another tab of this page is at it. */
  | 'busy'
  | 'network'
  | 'internal';

export interface JobErrorData {
  readonly code: JobErrorCode;
  /** What was wrong, where, and what to do: shown to the person as it is. */
  readonly message: string;
  /** For a bug report. */
  readonly detail?: string;
}

export class JobError extends Error implements JobErrorData {
  override readonly name = 'JobError';
  readonly code: JobErrorCode;
  readonly detail: string | undefined;
  constructor(data: JobErrorData) {
    super(data.message);
    this.code = data.code;
    this.detail = data.detail;
  }
  toData(): JobErrorData {
    return { code: this.code, message: this.message, ...(this.detail === undefined ? {} : { detail: this.detail }) };
  }
}
