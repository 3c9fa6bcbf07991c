/** Geometry of the radar: where the wheel and its labels stand, and what its rings mean. Pure. */
import { niceScale, type NiceScale } from './nice-scale.ts';
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
const GUTTER = 18;
/** From a label's text to its marker's centre. */
export const MARKER_GAP = 9;

/** Between two labels of a column. */
const ROW_GAP = 6;

/** The layout for `labels` (clockwise from the top) in `width` pixels. */
export function radarLayout(labels: readonly string[], width: number): RadarLayout {
  const narrow = width < 400;
  const fontSize = narrow ? 10 : 11;
  const lineHeight = fontSize + 1;
  const lines = labels.map((label) => wrapLabel(label, narrow ? 12 : width < 620 ? 14 : 26));
  const longest = Math.max(1, ...lines.flat().map((line) => line.length));
  const columnWidth = Math.ceil(longest * CHARACTER_WIDTH * fontSize) + MARKER_GAP;
  const heights = lines.map((entry) => entry.length * lineHeight + ROW_GAP);
  const right = Math.ceil(labels.length / 2);
  // The left column is read from the bottom up: the wheel turns clockwise.
  const columns = [
    heights.map((_, index) => index).slice(0, right),
    heights
      .map((_, index) => index)
      .slice(right)
      .reverse(),
  ];
  const needed = (column: readonly number[]) => column.reduce((sum, index) => sum + (heights[index] ?? 0), 0);
  const radius = Math.max(48, Math.min(200, (width - 2 * (columnWidth + GUTTER)) / 2));
  const height = Math.max(...columns.map(needed), radius * 2 + 24);
  const cx = width / 2;
  const cy = height / 2;
  const centres = new Map<number, number>();
  for (const column of columns) {
    const spare = (height - needed(column)) / Math.max(1, column.length);
    let top = spare / 2;
    for (const index of column) {
      const own = heights[index] ?? 0;
      centres.set(index, top + own / 2);
      top += own + spare;
    }
  }
  const angle = (index: number) => (index / Math.max(1, labels.length)) * 2 * Math.PI;
  return {
    height,
    cx,
    cy,
    radius,
    fontSize,
    lineHeight,
    labels: lines.map((entry, index) => ({
      side: index < right ? 'right' : 'left',
      x: cx + (radius + GUTTER) * (index < right ? 1 : -1),
      y: centres.get(index) ?? cy,
      lines: entry,
    })),
    pointAt: (index, distance) => [cx + distance * Math.sin(angle(index)), cy - distance * Math.cos(angle(index))],
  };
}

/** A round scale that holds every value and zero, with three to six rings. */
export function radarScale(values: readonly number[]): NiceScale {
  return niceScale(values);
}
