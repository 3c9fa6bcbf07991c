/**
 * The one typed error of the mathematics: data that a statistic is not defined on. A wrong shape is the caller's bug and an
 * `AssertionError` instead.
 */
export class DataError extends Error {
  override readonly name = 'DataError';
  /** Which argument, and the row or objective where there is one, e.g. `labels[12]`. */
  readonly where: string;
  readonly what: string;
  constructor(where: string, what: string) {
    super(`${where}: ${what}`);
    this.where = where;
    this.what = what;
  }
}
