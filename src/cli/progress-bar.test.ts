import { describe, expect, it } from 'vitest';
import { describeProgress, formatDuration, ProgressBar } from './progress-bar.ts';

describe('progress', () => {
  it('says share, counts, the rate of this run and the time left', () => {
    const state = { done: 300, total: 1200, unit: 'lines', note: 'x.jsonl' };
    expect(describeProgress(state, 100, 20)).toBe(
      '[######------------------] 25% 300/1,200 lines, 10 lines/s, 1 min 30 s left, x.jsonl',
    );
    expect(describeProgress({ ...state, done: 1200 }, 0, 400)).toBe(
      '[########################] 100% 1,200/1,200 lines, 3.00 lines/s, x.jsonl',
    );
    expect(describeProgress({ done: 0, total: 0, unit: 'lines' }, 0, 0)).toContain('100% 0/0');
  });

  it('words durations', () => {
    expect([7.4, 65, 3600, 7500].map(formatDuration)).toEqual(['7 s', '1 min 05 s', '1 h 00 min', '2 h 05 min']);
  });

  it('rewrites one line on a terminal and writes lines seldom elsewhere', () => {
    let now = 0;
    const written: string[] = [];
    const stream = { isTTY: true, columns: 60, write: (text: string) => written.push(text) };
    const bar = new ProgressBar(stream, 0, () => now);
    for (now = 0; now < 1000; now += 50) bar.update({ done: now, total: 1000, unit: 'lines' });
    expect(written).toHaveLength(10);
    expect(written.every((text) => text.startsWith('\r') && text.length === 60)).toBe(true);
    bar.finish({ done: 1000, total: 1000, unit: 'lines' });
    expect(written.at(-1)).toBe('\n');

    const log: string[] = [];
    const plain = new ProgressBar({ write: (text: string) => log.push(text) }, 0, () => now);
    for (now = 0; now < 15_000; now += 500) plain.update({ done: now, total: 15_000, unit: 'lines' });
    expect(log).toHaveLength(2);
  });
});
