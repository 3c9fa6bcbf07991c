/**
 * The one error type of `src/formats` and `src/convert`: bad input, said in words a user can act on.
 */

/** What kind of badness; stable, used by tests and the page. */
export type FormatErrorCode =
  | 'missing-file'
  | 'truncated'
  | 'malformed'
  | 'unsupported'
  | 'mismatch'
  | 'hash-mismatch'
  | 'network'
  /** Written in part: an interrupted conversion. */
  | 'incomplete'
  /** No room, or no leave to write. */
  | 'storage';

/**
 * A file that cannot be used. `message` says what was wrong; `where` names the file, tensor, key or line; `remedy` says
 * what to do about it, where there is something to do.
 */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code: FormatErrorCode;
  readonly where: string;
  readonly remedy: string | undefined;
  constructor(code: FormatErrorCode, where: string, what: string, remedy?: string) {
    super(`${where}: ${what}${remedy === undefined ? '' : ` ${remedy}`}`);
    this.code = code;
    this.where = where;
    this.remedy = remedy;
  }
}
