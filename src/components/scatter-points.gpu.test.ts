import { describe, expect, it } from 'vitest';
import { plotLayout } from './plot-layout.ts';
import { drawPoints, nearestPoint } from './scatter-points.ts';

const axis = { label: 'x', format: String };
const layout = plotLayout([0, 10], [0, 10], axis, axis, 400, 300);

function colourAt(canvas: HTMLCanvasElement, x: number, y: number): number[] {
  const ratio = canvas.width / layout.width;
  const data = canvas.getContext('2d')?.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data;
  return [...(data ?? [])];
}

describe('the points of a scatter', () => {
  it('are drawn where their values are, in their colour, and nowhere else', () => {
    const canvas = document.createElement('canvas');
    const series = [
      { name: 'a', colour: '#ff0000', xs: [2, Number.NaN], ys: [3, 3] },
      { name: 'b', colour: '#0000ff', shape: 'square' as const, xs: [8], ys: [6] },
    ];
    drawPoints(canvas, series, layout);
    expect(colourAt(canvas, layout.x(2), layout.y(3)).slice(0, 3)).toEqual([255, 0, 0]);
    expect(colourAt(canvas, layout.x(8), layout.y(6)).slice(0, 3)).toEqual([0, 0, 255]);
    expect(colourAt(canvas, layout.x(5), layout.y(5))).toEqual([0, 0, 0, 0]);
    expect(nearestPoint(series, layout, layout.x(8) + 3, layout.y(6))).toEqual({ series: 1, index: 0 });
    expect(nearestPoint(series, layout, layout.x(5), layout.y(5))).toBeUndefined();
  });
  it('are ten thousand at once', () => {
    const count = 10_000;
    const xs = Float64Array.from({ length: count }, (_, i) => (i % 100) / 10);
    const ys = Float64Array.from({ length: count }, (_, i) => Math.floor(i / 100) / 10);
    const canvas = document.createElement('canvas');
    const tookMs = Array.from({ length: 6 }, () => {
      const started = performance.now();
      drawPoints(canvas, [{ name: 'a', colour: '#00ff00', xs, ys }], layout);
      // Reading a pixel waits for the drawing.
      expect(colourAt(canvas, layout.x(5), layout.y(5)).slice(0, 2)).toEqual([0, 255]);
      return performance.now() - started;
    });
    const [first = Number.NaN] = tookMs;
    console.log(`${count} points: ${first.toFixed(1)} ms at first, ${Math.min(...tookMs).toFixed(1)} ms at best`);
  });
});
