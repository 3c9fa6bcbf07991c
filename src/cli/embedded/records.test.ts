import { describe, expect, it } from 'vitest';
import { normalisePrompt, splitOf } from './records.ts';

describe('split by prompt', () => {
  it('near-repeats of a prompt share their key', () => {
    expect(normalisePrompt('  What is  RUST?\n')).toBe(normalisePrompt('what is rust'));
  });

  it('gives about 70 / 15 / 15 and depends on the key alone', () => {
    const counts = { train: 0, dev: 0, test: 0 };
    for (let i = 0; i < 4000; i += 1) counts[splitOf(`prompt ${i}`)] += 1;
    expect(counts.train / 4000).toBeCloseTo(0.7, 1);
    expect(counts.dev / 4000).toBeCloseTo(0.15, 1);
    expect(counts.test / 4000).toBeCloseTo(0.15, 1);
    expect(splitOf('prompt 1')).toBe(splitOf('prompt 1'));
  });
});
