import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { addRoundingNoise } from './noise-step.ts';

describe('rounding noise', () => {
  it('stays within half a step of the block’s own grid, and is as large as rounding to it', () => {
    const random = new SeededRandom(3);
    const before = Float32Array.from({ length: 32 * 200 }, () => random.normal());
    const after = addRoundingNoise(before.slice(), new SeededRandom(5));
    let noise = 0;
    let rounding = 0;
    for (let start = 0; start < before.length; start += 32) {
      const block = before.subarray(start, start + 32);
      const least = Math.min(...block);
      const step = (Math.max(...block) - least) / 15;
      for (const [i, value] of block.entries()) {
        const moved = (after[start + i] ?? 0) - value;
        expect(Math.abs(moved)).toBeLessThanOrEqual(step / 2 + 1e-6);
        noise += moved ** 2;
        rounding += (least + step * Math.round((value - least) / step) - value) ** 2;
      }
    }
    expect(noise / rounding).toBeGreaterThan(0.85);
    expect(noise / rounding).toBeLessThan(1.25);
  });
});
