import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { themeVariablesCss } from './theme-variables.ts';

it('the variables file is what the theme says', () => {
  expect(readFileSync(new URL('./theme-variables.css', import.meta.url), 'utf8')).toBe(themeVariablesCss());
});
