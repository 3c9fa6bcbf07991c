import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { radarLayout, radarScale } from './radar-layout.ts';

const labels = (
  'helpfulness,correctness,coherence,complexity,verbosity,overall score,instruction following,truthfulness,honesty,' +
  'helpfulness,beavertails is safe,prometheus score,argilla overall quality,argilla judge lm,complexity,style,' +
  'explanation,instruction following,readability'
).split(',');

describe.each([326, 334, 358, 420, 470, 620, 900])('the radar at %d pixels', (width) => {
  const layout = radarLayout(labels, width);
  it('cuts no label off', () => {
    for (const label of layout.labels) {
      const room = label.side === 'right' ? width - label.x - 9 : label.x - 9;
      for (const line of label.lines) expect(line.length * layout.fontSize * 0.54, line).toBeLessThanOrEqual(room);
      const half = (label.lines.length * layout.lineHeight) / 2;
      expect(label.y - half).toBeGreaterThanOrEqual(0);
      expect(label.y + half).toBeLessThanOrEqual(layout.height);
    }
  });
  it('lets no two labels overlap, nor a label the wheel', () => {
    for (const side of ['left', 'right']) {
      const column = layout.labels.filter((label) => label.side === side).sort((a, b) => a.y - b.y);
      column.slice(1).forEach((label, index) => {
        const above = column[index];
        const needed = ((label.lines.length + (above?.lines.length ?? 0)) / 2) * layout.lineHeight;
        expect(label.y - (above?.y ?? 0)).toBeGreaterThanOrEqual(needed);
      });
    }
    for (const label of layout.labels) expect(Math.abs(label.x - layout.cx)).toBeGreaterThan(layout.radius + 12);
  });
});

describe('radarScale', () => {
  it('holds every value and zero with a few round rings', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1 }), (values) => {
        const scale = radarScale(values);
        expect(scale.low).toBeLessThanOrEqual(Math.min(0, ...values) + 1e-9);
        expect(scale.high).toBeGreaterThanOrEqual(Math.max(0, ...values) - 1e-9);
        expect(scale.ticks.length).toBeGreaterThanOrEqual(2);
        expect(scale.ticks.length).toBeLessThanOrEqual(7);
        expect(scale.ticks.some((tick) => tick === 0)).toBe(true);
      }),
    );
  });
  it('is round', () => expect(radarScale([-0.13, 0.82]).ticks).toEqual([-0.25, 0, 0.25, 0.5, 0.75, 1]));
  it('survives nothing but zeros', () => expect(radarScale([0, 0])).toMatchObject({ low: 0 }));
});
