/** Drawing and finding the points of a scatter. */
import { markerPath, type MarkerShape } from './objective-language.ts';
import type { PlotLayout } from './plot-layout.ts';

export interface ScatterSeries {
  readonly name: string;
  /** A CSS colour; variables are fine. */
  readonly colour: string;
  readonly shape?: MarkerShape;
  readonly xs: ArrayLike<number>;
  readonly ys: ArrayLike<number>;
}

/** At least two device pixels a page pixel, so that a saved picture is sharp on any screen. */
const LEAST_RATIO = 2;
/** More points get smaller and paler ones, so that where they are many stays visible. */
const MANY_POINTS = 2000;
/** How far from a point the pointer still means it. */
const REACH = 8;

/** Draws every finite point; points at the edge are cut by the canvas, none is moved. */
export function drawPoints(canvas: HTMLCanvasElement, series: readonly ScatterSeries[], layout: PlotLayout): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const ratio = Math.max(LEAST_RATIO, window.devicePixelRatio);
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  const count = series.reduce((sum, entry) => sum + entry.xs.length, 0);
  const size = count > MANY_POINTS ? 3.5 : 6;
  context.globalAlpha = count > MANY_POINTS ? 0.45 : 0.75;
  for (const entry of series) {
    const stamp = pointStamp(entry, size, ratio, canvas);
    const half = stamp.width / 2;
    for (let i = 0; i < entry.xs.length; i++) {
      const x = entry.xs[i]!;
      const y = entry.ys[i]!;
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      context.drawImage(stamp, layout.x(x) * ratio - half, layout.y(y) * ratio - half);
    }
  }
}

/** One point as a small image: stamping it is many times faster than drawing a path for every point. */
function pointStamp(entry: ScatterSeries, size: number, ratio: number, beside: HTMLElement): HTMLCanvasElement {
  const stamp = document.createElement('canvas');
  stamp.width = Math.ceil((size + 2) * ratio);
  stamp.height = stamp.width;
  const context = stamp.getContext('2d');
  if (context === null) return stamp;
  context.translate(stamp.width / 2, stamp.height / 2);
  context.scale(ratio, ratio);
  context.fillStyle = resolvedColour(entry.colour, beside);
  const path = new Path2D(markerPath(entry.shape ?? 'circle', size));
  // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type
  context.fill(path, 'evenodd');
  return stamp;
}

/** A canvas does not know the page's variables. */
function resolvedColour(colour: string, beside: HTMLElement): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name === undefined ? colour : getComputedStyle(beside).getPropertyValue(name).trim();
}

/** The point nearest to a place on the canvas, if one is near enough. */
export function nearestPoint(
  series: readonly ScatterSeries[],
  layout: Pick<PlotLayout, 'x' | 'y'>,
  x: number,
  y: number,
): { readonly series: number; readonly index: number } | undefined {
  let best: { series: number; index: number } | undefined;
  let least = REACH * REACH;
  series.forEach((entry, at) => {
    for (let index = 0; index < entry.xs.length; index++) {
      const dx = layout.x(entry.xs[index]!) - x;
      const dy = layout.y(entry.ys[index]!) - y;
      const distance = dx * dx + dy * dy;
      if (distance <= least) {
        least = distance;
        best = { series: at, index };
      }
    }
  });
  return best;
}
