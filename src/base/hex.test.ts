import { expect, it } from 'vitest';
import { hex } from './hex.ts';

it('writes two lower-case digits a byte', () => {
  expect(hex(Uint8Array.of(0, 9, 16, 171, 255))).toBe('000910abff');
  expect(hex(new Uint8Array())).toBe('');
});
