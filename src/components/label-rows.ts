/** Rows with a label each: where labels, bars and values stand, at any width, without cutting or overlapping. Pure. */
import { wrapLabel } from './objective-language.ts';

/** Width of a character as a share of the font size, generous: wide system fonts must fit too. */
export const CHARACTER_WIDTH = 0.58;
/** Digits and signs in tabular figures. */
const DIGIT_WIDTH = 0.62;

export const FONT_SIZE = 11;
export const LINE_HEIGHT = 12.5;
/** From the left edge to the text of a label: the marker stands before it. */
export const MARKER_ROOM = 15;
/** Between label and plot, and between plot and value. */
const GAP = 8;
/** Of the width, at most this is label. */
const LABEL_SHARE = 0.42;
const ROW_PADDING = 6;
const SMALLEST_ROW = 18;

export interface LabelRow {
  readonly lines: readonly string[];
  readonly top: number;
  readonly height: number;
  readonly centre: number;
}

export interface LabelRows {
  readonly rows: readonly LabelRow[];
  readonly height: number;
  /** The plot, between labels and values. */
  readonly left: number;
  readonly right: number;
  /** Values end here. */
  readonly valueRight: number;
}

/**
 * Lays out one row per label in `width` pixels. `values` are the texts at the right end, as long as they get. `markers` keeps room
 * for the objective's marker before each label.
 */
export function labelRows(
  labels: readonly string[],
  values: readonly string[],
  width: number,
  markers: boolean,
): LabelRows {
  const before = markers ? MARKER_ROOM : 0;
  const perCharacter = CHARACTER_WIDTH * FONT_SIZE;
  const most = Math.max(8, Math.floor((width * LABEL_SHARE - before - GAP) / perCharacter));
  const lines = labels.map((label) => wrapLabel(label, most));
  const longest = Math.max(1, ...lines.flat().map((line) => line.length));
  const valueWidth = Math.ceil(Math.max(0, ...values.map((value) => value.length)) * DIGIT_WIDTH * FONT_SIZE);
  let top = 0;
  const rows = lines.map((entry): LabelRow => {
    const height = Math.max(SMALLEST_ROW, entry.length * LINE_HEIGHT + ROW_PADDING);
    const row = { lines: entry, top, height, centre: top + height / 2 };
    top += height;
    return row;
  });
  const left = Math.ceil(before + longest * perCharacter + GAP);
  return {
    rows,
    height: top,
    left,
    right: Math.max(left + 24, width - valueWidth - (valueWidth === 0 ? 0 : GAP)),
    // A glyph may reach past the place its advance ends at.
    valueRight: width - 2,
  };
}
