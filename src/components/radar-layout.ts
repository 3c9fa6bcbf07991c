/** Geometry of the radar: where the wheel and its labels stand, and what its rings mean. Pure. */
import { wrapLabel } from './objective-language.ts';

export interface RadarLabel {
  readonly side: 'left' | 'right';
  /** Centre of the marker; the text stands outward of it. */
  readonly x: number;
  readonly y: number;
  readonly lines: readonly string[];
}

export interface RadarLayout {
  readonly height: number;
  readonly cx: number;
  readonly cy: number;
  readonly radius: number;
  /** Of the labels, in pixels. */
  readonly fontSize: number;
  readonly lineHeight: number;
  readonly labels: readonly RadarLabel[];
  /** Point on spoke `index` at `distance` pixels from the centre. */
  pointAt(index: number, distance: number): readonly [x: number, y: number];
}

/** Width of a label's character as a share of its font size, generous: wide system fonts must fit too. */
const CHARACTER_WIDTH = 0.57;
/** From a label's marker to the wheel: the leader line. */
const GUTTER = 22;
/** From a label's text to its marker's centre. */
export const MARKER_GAP = 9;

/** The layout for `labels` (clockwise from the top) in `width` pixels. */
export function radarLayout(labels: readonly string[], width: number): RadarLayout {
  const wide = width >= 620;
  const fontSize = width < 400 ? 10 : 11;
  const lineHeight = fontSize + 1;
  const lines = labels.map((label) => wrapLabel(label, wide ? 26 : 13));
  const longest = Math.max(1, ...lines.flat().map((line) => line.length));
  const columnWidth = Math.ceil(longest * CHARACTER_WIDTH * fontSize) + MARKER_GAP;
  const most = Math.max(1, ...lines.map((entry) => entry.length));
  const rowHeight = most * lineHeight + 6;
  const count = labels.length;
  const right = Math.ceil(count / 2);
  const columnHeight = Math.max(right, count - right) * rowHeight;
  const radius = Math.max(48, Math.min(200, (width - 2 * (columnWidth + GUTTER)) / 2));
  const height = Math.max(columnHeight, radius * 2 + 24);
  const cx = width / 2;
  const cy = height / 2;
  const angle = (index: number) => (index / Math.max(1, count)) * 2 * Math.PI;
  const rows = (size: number, row: number) => cy + (row - (size - 1) / 2) * Math.max(rowHeight, (height - 8) / size);
  return {
    height,
    cx,
    cy,
    radius,
    fontSize,
    lineHeight,
    labels: lines.map((entry, index) => {
      const onRight = index < right;
      const y = onRight ? rows(right, index) : rows(count - right, count - 1 - index);
      return {
        side: onRight ? 'right' : 'left',
        x: onRight ? width - columnWidth : columnWidth,
        y,
        lines: entry,
      };
    }),
    pointAt: (index, distance) => [cx + distance * Math.sin(angle(index)), cy - distance * Math.cos(angle(index))],
  };
}

export interface RadarScale {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** A round scale that holds every value and zero, with three to six rings. */
export function radarScale(values: readonly number[]): RadarScale {
  const finite = values.filter((value) => Number.isFinite(value));
  const low = Math.min(0, ...finite);
  const high = Math.max(0, ...finite);
  const span = high - low > 0 ? high - low : 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Multiplied, not added up, so that 0.3 does not become 0.30000000000000004 ring by ring.
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
  return { low: ticks[0] ?? 0, high: ticks.at(-1) ?? 1, ticks };
}
