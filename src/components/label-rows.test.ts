import { describe, expect, it } from 'vitest';
import { FONT_SIZE, LINE_HEIGHT, MARKER_ROOM, labelRows } from './label-rows.ts';

const labels = ['helpfulness', 'instruction following', 'argilla overall quality', 'beavertails is safe', 'verbosity'];
const values = ['+0.1234', '−0.00001234', '0'];

describe.each([260, 330, 480, 900, 1600])('rows in %d pixels', (width) => {
  const layout = labelRows(labels, values, width, true);
  it('keep labels left of the plot, the plot left of the values, and everything inside', () => {
    for (const row of layout.rows)
      for (const line of row.lines) expect(MARKER_ROOM + line.length * FONT_SIZE * 0.56).toBeLessThan(layout.left);
    expect(layout.right - layout.left).toBeGreaterThanOrEqual(24);
    expect(layout.right + 11 * FONT_SIZE * 0.6).toBeLessThanOrEqual(layout.valueRight);
    expect(layout.valueRight).toBeLessThan(width);
  });
  it('touch no neighbour', () => {
    let end = 0;
    for (const row of layout.rows) {
      expect(row.top).toBe(end);
      expect(row.lines.length * LINE_HEIGHT).toBeLessThan(row.height);
      end = row.top + row.height;
    }
    expect(end).toBe(layout.height);
  });
  it('lose no word', () => expect(layout.rows.map((row) => row.lines.join(' '))).toEqual(labels));
});

it('gives the values no room where there are none', () => {
  expect(labelRows(['a'], [], 300, false)).toMatchObject({ right: 300 });
});
