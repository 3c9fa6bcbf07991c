/** Where a plot with two axes and its tick labels stand, at any width. Pure. */
import { niceScale, position, type NiceScale } from './nice-scale.ts';

export interface PlotAxis {
  /** What is measured, with its unit. */
  readonly label: string;
  readonly format: (value: number) => string;
  /** The scale holds zero. */
  readonly zero?: boolean;
  /** Ends given from outside, for charts that are compared; drawn exactly, with round ticks between. */
  readonly domain?: readonly [low: number, high: number];
}

export interface PlotTick {
  readonly value: number;
  readonly at: number;
  readonly text: string;
}

export interface PlotLayout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly xTicks: readonly PlotTick[];
  readonly yTicks: readonly PlotTick[];
  x(value: number): number;
  y(value: number): number;
}

export const TICK_SIZE = 10.5;
const DIGIT = 0.62 * TICK_SIZE;
/** From one tick label to the next. */
const TICK_GAP = 14;
const TITLE_HEIGHT = 17;
const TICK_HEIGHT = 17;

function scaleOf(values: readonly number[], axis: PlotAxis, steps: number): NiceScale {
  const { domain } = axis;
  if (domain === undefined) return niceScale(values, steps, axis.zero ?? false);
  const [low, high] = domain;
  const ticks = niceScale(domain, steps, axis.zero ?? false).ticks.filter((tick) => tick >= low && tick <= high);
  return { low, high, ticks };
}

const textWidth = (text: string) => text.length * DIGIT;

/** Most ticks whose labels keep apart in `room` pixels; at least two steps. */
function stepsThatFit(values: readonly number[], axis: PlotAxis, room: number): number {
  for (let steps = 8; steps > 2; steps -= 1) {
    const { ticks } = scaleOf(values, axis, steps);
    const widest = Math.max(...ticks.map((tick) => textWidth(axis.format(tick))));
    if (ticks.length * (widest + TICK_GAP) <= room) return steps;
  }
  return 2;
}

/** Without those whose labels would leave the plot or touch the one before: where even two do not fit, one is left. */
function apart(ticks: readonly PlotTick[], width: number): PlotTick[] {
  const kept: PlotTick[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const tick of ticks) {
    const half = textWidth(tick.text) / 2;
    if (tick.at - half < Math.max(0, end) || tick.at + half > width) continue;
    kept.push(tick);
    end = tick.at + half + TICK_GAP / 2;
  }
  return kept;
}

/** `xs` and `ys` need only hold the smallest and largest values drawn. The y axis' title stands above it, never turned. */
export function plotLayout(
  xs: readonly number[],
  ys: readonly number[],
  xAxis: PlotAxis,
  yAxis: PlotAxis,
  width: number,
  height: number,
): PlotLayout {
  const top = TITLE_HEIGHT + 6;
  const bottom = height - TICK_HEIGHT - TITLE_HEIGHT;
  const yScale = scaleOf(ys, yAxis, Math.max(2, Math.min(6, Math.round((bottom - top) / 45))));
  const yTexts = yScale.ticks.map((tick) => yAxis.format(tick));
  const left = Math.ceil(Math.max(12, ...yTexts.map(textWidth)) + 8);
  const xScale = scaleOf(xs, xAxis, stepsThatFit(xs, xAxis, width - left - 12));
  const lastText = xAxis.format(xScale.ticks.at(-1) ?? xScale.high);
  const right = Math.floor(width - Math.max(6, textWidth(lastText) / 2 + 2));
  const x = (value: number) => position(value, xScale.low, xScale.high, left, right);
  const y = (value: number) => position(value, yScale.low, yScale.high, bottom, top);
  const ticks = (scale: NiceScale, axis: PlotAxis, at: (value: number) => number) =>
    scale.ticks.map((value) => ({ value, at: at(value), text: axis.format(value) }));
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    x,
    y,
    xTicks: apart(ticks(xScale, xAxis, x), width),
    yTicks: ticks(yScale, yAxis, y),
  };
}

/** Smallest and largest finite value; empty where there is none. Takes a million values, which a spread would not. */
export function extent(values: Iterable<number>): number[] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [] : [low, high];
}
