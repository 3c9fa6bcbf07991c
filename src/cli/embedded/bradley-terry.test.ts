import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { fitBradleyTerry } from './bradley-terry.ts';

describe('the plain Bradley-Terry head', () => {
  it('sits where the gradient of its own loss vanishes', () => {
    const d = 5;
    const n = 60;
    const alpha = 0.3;
    const random = new SeededRandom(7);
    const x = Float64Array.from({ length: n * d }, (_, i) => random.uniform() - 0.5 + (i % d === 0 ? 0.4 : 0));
    const w = fitBradleyTerry(x, d, alpha);
    const loss = (at: Float64Array): number => {
      let sum = 0;
      for (let row = 0; row < n; row += 1) {
        let margin = 0;
        for (let i = 0; i < d; i += 1) margin += at[i]! * x[row * d + i]!;
        sum += Math.log1p(Math.exp(-margin));
      }
      return sum + (alpha / 2) * at.reduce((s, value) => s + value * value, 0);
    };
    for (let i = 0; i < d; i += 1) {
      const step = 1e-5;
      const up = w.slice();
      const down = w.slice();
      up[i] = up[i]! + step;
      down[i] = down[i]! - step;
      expect(Math.abs((loss(up) - loss(down)) / (2 * step))).toBeLessThan(1e-7);
    }
    expect(w[0]).toBeGreaterThan(0.5);
  });
});
