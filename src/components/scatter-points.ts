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

/**
 * Draws every finite point; points at the edge are cut by the canvas, none is moved. Pixels are blended here rather than by the
 * canvas: ten thousand stamps take a few milliseconds on any machine, which drawing calls do only where a GPU helps.
 */
export function drawPoints(canvas: HTMLCanvasElement, series: readonly ScatterSeries[], layout: PlotLayout): void {
  const ratio = Math.max(LEAST_RATIO, window.devicePixelRatio);
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return;
  const image = context.createImageData(canvas.width, canvas.height);
  const count = series.reduce((sum, entry) => sum + entry.xs.length, 0);
  const size = count > MANY_POINTS ? 3.5 : 6;
  const opacity = count > MANY_POINTS ? 0.45 : 0.75;
  for (const entry of series) {
    const stamp = pointStamp(entry, size, ratio, canvas);
    if (stamp !== undefined) blend(image, stamp.colour, passed(entry, stamp, layout, ratio, image, opacity));
  }
  context.putImageData(image, 0, 0);
}

/** One point: how much of every pixel it covers, row by row, and its colour. */
interface Stamp {
  readonly side: number;
  readonly cover: Float32Array;
  readonly colour: readonly [red: number, green: number, blue: number];
}

/** What every pixel lets through after all points of a series lie on it: 1 where there is none. */
function passed(
  { xs, ys }: ScatterSeries,
  { side, cover }: Stamp,
  layout: PlotLayout,
  ratio: number,
  { width, height }: ImageData,
  opacity: number,
): Float32Array {
  const through = new Float32Array(width * height).fill(1);
  const lets = cover.map((share) => 1 - share * opacity);
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i]!;
    const y = ys[i]!;
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const left = Math.round(layout.x(x) * ratio - side / 2);
    const top = Math.round(layout.y(y) * ratio - side / 2);
    const [firstRow, endRow] = [Math.max(0, -top), Math.min(side, height - top)];
    const [first, end] = [Math.max(0, -left), Math.min(side, width - left)];
    for (let row = firstRow; row < endRow; row++) {
      const to = (top + row) * width + left;
      for (let column = first; column < end; column++)
        through[to + column] = through[to + column]! * lets[row * side + column]!;
    }
  }
  return through;
}

/** Lays one colour over the image, by what each pixel lets through. */
function blend({ data }: ImageData, colour: Stamp['colour'], through: Float32Array): void {
  for (let pixel = 0; pixel < through.length; pixel++) {
    const over = 1 - through[pixel]!;
    if (over === 0) continue;
    const at = 4 * pixel;
    const under = (data[at + 3]! / 255) * (1 - over);
    const alpha = over + under;
    for (let channel = 0; channel < 3; channel++)
      data[at + channel] = (colour[channel]! * over + data[at + channel]! * under) / alpha;
    data[at + 3] = 255 * alpha;
  }
}

function pointStamp(entry: ScatterSeries, size: number, ratio: number, beside: HTMLElement): Stamp | undefined {
  const canvas = document.createElement('canvas');
  const side = Math.ceil((size + 2) * ratio);
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return undefined;
  context.fillStyle = resolvedColour(entry.colour, beside);
  // The colour is read from a pixel of its own: at the edge of a shape it would be rounded.
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  context.clearRect(0, 0, 1, 1);
  context.translate(side / 2, side / 2);
  context.scale(ratio, ratio);
  const path = new Path2D(markerPath(entry.shape ?? 'circle', size));
  // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type
  context.fill(path, 'evenodd');
  const { data } = context.getImageData(0, 0, side, side);
  const cover = Float32Array.from({ length: side * side }, (_, pixel) => data[4 * pixel + 3]! / 255);
  return { side, cover, colour: [red, green, blue] };
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
