import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { everyChange, steadyPace } from './update-pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const gaps = (times: readonly number[]) => times.slice(1).map((at, i) => at - times[i]!);

test('updates come once for many changes, and never closer than they may', () => {
  const shown: [atMs: number, change: number][] = [];
  const pace = steadyPace(200, () => Date.now());
  const start = Date.now();
  for (let change = 0; change < 100; change++) {
    pace(() => shown.push([Date.now() - start, change]));
    vi.advanceTimersByTime(10);
  }
  vi.runAllTimers();
  expect(shown[0]).toEqual([0, 0]);
  // The last change is always shown.
  expect(shown.at(-1)?.[1]).toBe(99);
  expect(shown.length).toBeLessThanOrEqual(6);
  expect(Math.min(...gaps(shown.map(([at]) => at)))).toBeGreaterThanOrEqual(200);
});

test('what is dear to draw is drawn more rarely', () => {
  const shown: number[] = [];
  const pace = steadyPace(200, () => Date.now());
  for (let change = 0; change < 600; change++) {
    pace(() => {
      shown.push(Date.now());
      vi.setSystemTime(Date.now() + 500);
    });
    vi.advanceTimersByTime(10);
  }
  expect(shown.length).toBeGreaterThan(1);
  expect(Math.min(...gaps(shown))).toBeGreaterThanOrEqual(2000);
});

test('without a pace every change is shown at once', () => {
  let shown = 0;
  everyChange(() => (shown += 1));
  expect(shown).toBe(1);
});
