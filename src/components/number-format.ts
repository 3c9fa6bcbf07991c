/**
 * How numbers are written everywhere on the page: fixed significant digits, a real minus sign, units. Equal numbers look
 * equal because one function writes each kind. Full precision belongs in a `title`, written by `fullPrecision`.
 */

const MINUS = '\u2212';
/** Non-breaking, so that a number never parts from its unit. */
const SPACE = '\u00a0';

/** Plain decimal is readable from here to there; outside it an exponent is shorter. */
const SMALLEST_PLAIN = 1e-4;
const LARGEST_PLAIN = 1e6;

/**
 * `value` with `digits` significant digits, trailing zeros kept: 0.5 is `0.5000`, an exact zero is `0`.
 * Magnitudes outside [1e-4, 1e6) use an exponent. A value that is not finite is written as a dash.
 */
export function formatSignificant(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return '\u2013';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  let text: string;
  if (magnitude < SMALLEST_PLAIN || magnitude >= LARGEST_PLAIN) {
    text = magnitude
      .toExponential(digits - 1)
      .replace('e+', 'e')
      .replace('e-', `e${MINUS}`);
  } else {
    text = magnitude.toPrecision(digits);
    // toPrecision turns to an exponent as soon as the integer part has more digits than were asked for.
    if (text.includes('e')) text = magnitude.toFixed(0);
  }
  return value < 0 ? `${MINUS}${text}` : text;
}

/** A setting as its author wrote it: at most four significant digits, no trailing zeros: `10`, `3.4`, `0.093`. */
export function formatSetting(value: number): string {
  return formatSignificant(value)
    .replace(/(\.\d*?)0+(?=e|$)/, '$1')
    .replace(/\.(?=e|$)/, '');
}

/** An error or tolerance, of which only the magnitude matters: `3.1e−7`. */
export function formatErrorBound(error: number): string {
  return error === 0 || !Number.isFinite(error)
    ? formatSignificant(error)
    : error.toExponential(1).replace('e+', 'e').replace('e-', `e${MINUS}`).replace('.0e', 'e');
}

/** As `formatSignificant`, with a plus sign before positive values: for margins, differences and contributions. */
export function formatSigned(value: number, digits = 4): string {
  return value > 0 ? `+${formatSignificant(value, digits)}` : formatSignificant(value, digits);
}

/** The shortest text that reads back as the same double. For `title` attributes, files and tests; ASCII minus. */
export function fullPrecision(value: number): string {
  return String(value);
}

/** A share in [0, 1] as a percentage with one decimal; never rounds an open end to 0 or 100. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return '\u2013';
  if (share > 0 && share < 0.0005) return `<0.1${SPACE}%`;
  if (share < 1 && share > 0.9995) return `>99.9${SPACE}%`;
  return `${(share * 100).toFixed(1).replace('-', MINUS)}${SPACE}%`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, three significant digits: `57.3 MB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would round up to four digits, so it already moves to the next unit.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 ? value.toFixed(0) : value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return `${text}${SPACE}${byteUnits[unit]}`;
}

/** `340 ms`, `2.4 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(elapsedMs: number): string {
  const milliseconds = Math.max(0, elapsedMs);
  if (milliseconds < 999.5) return `${Math.round(milliseconds)}${SPACE}ms`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)}${SPACE}s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds}${SPACE}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${SPACE}min ${String(seconds % 60).padStart(2, '0')}${SPACE}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}${SPACE}h ${String(minutes % 60).padStart(2, '0')}${SPACE}min`;
}

/** An integer count with thin grouping, e.g. `12 345`. */
export function formatCount(count: number): string {
  return String(Math.round(count))
    .replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')
    .replace('-', MINUS);
}

/** `1 token`, `3 tokens`. */
export function formatQuantity(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)}${SPACE}${count === 1 ? singular : plural}`;
}
