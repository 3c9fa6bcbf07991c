import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatErrorBound,
  formatPercent,
  formatQuantity,
  formatSetting,
  formatSigned,
  formatSignificant,
  fullPrecision,
} from './number-format.ts';

describe('formatSignificant', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [0.5, '0.5000'],
    [-1.23456, '−1.235'],
    [0.00012346, '0.0001235'],
    [0.000012345, '1.234e−5'],
    [-0.000012345, '−1.234e−5'],
    [12345.6, '12346'],
    [1e7, '1.000e7'],
    [Number.NaN, '–'],
  ])('%d is %s', (value, text) => expect(formatSignificant(value)).toBe(text));

  it('never uses the hyphen as a minus sign and stays within its digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), (value) => {
        const text = formatSignificant(value);
        expect(text).not.toContain('-');
        const back = Number(text.replaceAll('−', '-'));
        expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 5.1e-4);
      }),
    );
  });
});

describe('the other kinds', () => {
  it('signs both ways', () => {
    expect(formatSigned(0.25)).toBe('+0.2500');
    expect(formatSigned(-0.25)).toBe('−0.2500');
    expect(formatSigned(0)).toBe('0');
  });
  it('writes settings and error bounds shortly', () => {
    expect([10, 3.4, 0.093, 100, 0].map(formatSetting)).toEqual(['10', '3.4', '0.093', '100', '0']);
    expect([5e-5, 1.5e-10, 1e-10, -2.25e-7, 0.05].map(formatSetting)).toEqual([
      '5e−5',
      '1.5e−10',
      '1e−10',
      '−2.25e−7',
      '0.05',
    ]);
    expect([3.14e-7, 1e-4, 0, 0.31].map(formatErrorBound)).toEqual(['3.1e−7', '1e−4', '0', '3.1e−1']);
  });
  it('keeps every bit in full precision', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(Number(fullPrecision(value))).toEqual(value === 0 ? 0 : value);
      }),
    );
  });
  it('does not round a probability to certainty', () => {
    expect(formatPercent(0.99999)).toBe('>99.9\u00a0%');
    expect(formatPercent(0.00001)).toBe('<0.1\u00a0%');
    expect(formatPercent(1)).toBe('100.0\u00a0%');
    expect(formatPercent(0.5)).toBe('50.0\u00a0%');
  });
  it.each([
    [0, '0\u00a0B'],
    [999, '999\u00a0B'],
    [1000, '1.00\u00a0kB'],
    [57_312_000, '57.3\u00a0MB'],
    [999_600, '1.00\u00a0MB'],
    [4_210_000_000, '4.21\u00a0GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [12, '12\u00a0ms'],
    [2400, '2.4\u00a0s'],
    [59_400, '59\u00a0s'],
    [185_000, '3\u00a0min 05\u00a0s'],
    [7_800_000, '2\u00a0h 10\u00a0min'],
  ])('%d ms are %s', (elapsedMs, text) => expect(formatDuration(elapsedMs)).toBe(text));
  it('counts', () => {
    expect(formatCount(1234567)).toBe('1\u202f234\u202f567');
    expect(formatQuantity(1, 'token')).toBe('1\u00a0token');
    expect(formatQuantity(2, 'token')).toBe('2\u00a0tokens');
  });
});
