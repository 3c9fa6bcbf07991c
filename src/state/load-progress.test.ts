import { describe, expect, it } from 'vitest';
import type { EngineProgress } from '@/engine/api/messages.ts';
import { downloadEtaMs, downloadRate, initialLoadProgress, reduceLoadProgress } from './load-progress.ts';

function fold(events: readonly (readonly [number, EngineProgress])[]) {
  return events.reduce((state, [atMs, event]) => reduceLoadProgress(state, event, atMs), initialLoadProgress);
}

describe('reduceLoadProgress', () => {
  it('gives every file the bytes that arrived under its name', () => {
    const state = fold([
      [0, { stage: 'download', file: 'heads.safetensors', fileBytes: 500, loadedBytes: 100, totalBytes: 1000 }],
      [500, { stage: 'download', file: 'stage-00.data', fileBytes: 500, loadedBytes: 300, totalBytes: 1000 }],
      [1000, { stage: 'download', file: 'stage-00.data', fileBytes: 500, loadedBytes: 600, totalBytes: 1000 }],
    ]);
    expect(state.files).toEqual([
      { file: 'heads.safetensors', loadedBytes: 100, totalBytes: 500 },
      { file: 'stage-00.data', loadedBytes: 500, totalBytes: 500 },
    ]);
    expect(state.loadedBytes).toBe(600);
    expect(downloadRate(state)).toBe(500);
    expect(downloadEtaMs(state)).toBe(800);
  });

  it('measures the rate over the last seconds only', () => {
    const slow: (readonly [number, EngineProgress])[] = [];
    for (let second = 0; second <= 20; second += 1) {
      const loadedBytes = second <= 10 ? second * 10 : 100 + (second - 10) * 1000;
      slow.push([second * 1000, { stage: 'download', file: 'f', fileBytes: 500, loadedBytes, totalBytes: 100_000 }]);
    }
    const state = fold(slow);
    expect(downloadRate(state)).toBe(1000);
    expect(state.samples.length).toBeLessThan(8);
  });

  it('cannot say a rate from one event', () => {
    const state = fold([[0, { stage: 'download', file: 'f', fileBytes: 500, loadedBytes: 1, totalBytes: 2 }]]);
    expect(downloadRate(state)).toBeUndefined();
    expect(downloadEtaMs(state)).toBeUndefined();
  });

  it('follows the phases to ready', () => {
    const compiling = fold([[0, { stage: 'compile', done: 1, total: 4, provider: 'wasm' }]]);
    expect(compiling.phase).toBe('compile');
    expect(compiling.step).toEqual({ done: 1, total: 4, provider: 'wasm' });
    expect(reduceLoadProgress(compiling, { stage: 'ready' }, 1).phase).toBe('ready');
  });
});
