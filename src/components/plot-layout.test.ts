import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSetting } from './number-format.ts';
import { extent, plotLayout, TICK_SIZE } from './plot-layout.ts';

const axis = { label: 'x', format: formatSetting };
const pair = fc.tuple(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.double({ min: -1e4, max: 1e4, noNaN: true }));

describe('plotLayout', () => {
  it('keeps ticks inside and apart, and values in the plot, at any width', () => {
    fc.assert(
      fc.property(pair, pair, fc.integer({ min: 280, max: 1600 }), (xs, ys, width) => {
        const layout = plotLayout(xs, ys, axis, axis, width, 240);
        const boxes = layout.xTicks.map(({ at, text }) => {
          const half = (text.length * TICK_SIZE * 0.6) / 2;
          return [at - half, at + half] as const;
        });
        boxes.forEach(([from, to], index) => {
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeLessThanOrEqual(width + 0.01);
          expect(boxes[index + 1]?.[0] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(to);
        });
        for (const { text } of layout.yTicks) expect(text.length * TICK_SIZE * 0.6).toBeLessThanOrEqual(layout.left);
        for (const x of xs) {
          expect(layout.x(x)).toBeGreaterThanOrEqual(layout.left - 0.01);
          expect(layout.x(x)).toBeLessThanOrEqual(layout.right + 0.01);
        }
        for (const y of ys) {
          expect(layout.y(y)).toBeGreaterThanOrEqual(layout.top - 0.01);
          expect(layout.y(y)).toBeLessThanOrEqual(layout.bottom + 0.01);
        }
      }),
    );
  });
  it('keeps a given domain exactly', () => {
    const layout = plotLayout([0.3, 0.4], [0, 1], { ...axis, domain: [0, 1] }, axis, 400, 200);
    expect(layout.x(0)).toBe(layout.left);
    expect(layout.x(1)).toBe(layout.right);
  });
});

it('extent skips what is not finite', () => {
  expect(extent([3, Number.NaN, -1, Number.POSITIVE_INFINITY])).toEqual([-1, 3]);
  expect(extent([])).toEqual([]);
});
