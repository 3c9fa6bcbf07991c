import { describe, expect, it } from 'vitest';
import { inverseFrequencies, rotaryTables } from './rope.ts';

describe('inverse frequencies', () => {
  it('are θ^(−2i/d) without scaling', () => {
    expect(Array.from(inverseFrequencies({ theta: 10_000 }, 4))).toEqual([1, 0.01]);
    expect(() => inverseFrequencies({ theta: 10_000 }, 3)).toThrow('even');
  });

  it('keep short wavelengths, divide long ones and blend between (Llama 3.1)', () => {
    const scaling = {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositions: 64,
    } as const;
    const plain = inverseFrequencies({ theta: 500_000 }, 64);
    const scaled = inverseFrequencies({ theta: 500_000, scaling }, 64);
    const wavelengths = plain.map((frequency) => (2 * Math.PI) / frequency);
    const indices = Array.from(plain.keys());
    const kept = indices.filter((i) => wavelengths[i]! < 16);
    const divided = indices.filter((i) => wavelengths[i]! > 64);
    const blended = indices.filter((i) => wavelengths[i]! >= 16 && wavelengths[i]! <= 64);
    expect([kept.length, divided.length, blended.length]).toEqual([3, 26, 3]);
    expect(kept.map((i) => scaled[i])).toEqual(kept.map((i) => plain[i]));
    expect(divided.map((i) => scaled[i])).toEqual(divided.map((i) => plain[i]! / 8));
    expect(blended.every((i) => scaled[i]! > plain[i]! / 8 && scaled[i]! < plain[i]!)).toBe(true);
    expect(scaled).toHaveLength(32);
    // Transformers 5.23 `_compute_llama3_parameters`, worked by hand for i = 4: wavelength 32.4, smooth = (64/32.4 − 1)/3.
    const smooth = ((64 * plain[4]!) / (2 * Math.PI) - 1) / 3;
    expect(scaled[4]).toBeCloseTo(plain[4]! * ((1 - smooth) / 8 + smooth), 12);
  });
});

describe('rotary tables', () => {
  it('hold cos and sin of position times frequency, rounded once', () => {
    const { cos, sin, positions } = rotaryTables({ theta: 10_000 }, 4, 3);
    expect(positions).toBe(3);
    expect(Array.from(cos)).toEqual([1, 1, Math.cos(1), Math.cos(0.01), Math.cos(2), Math.cos(0.02)].map(Math.fround));
    expect(Array.from(sin)).toEqual([0, 0, Math.sin(1), Math.sin(0.01), Math.sin(2), Math.sin(0.02)].map(Math.fround));
  });
});
