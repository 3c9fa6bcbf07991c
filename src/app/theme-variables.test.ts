import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { themeVariablesCss } from './theme-variables.ts';

/** The formatter breaks lines and chooses quotes; the declarations are what counts. */
function declarations(css: string): string[] {
  return css
    .replaceAll(/\s+/g, ' ')
    .replaceAll('"', "'")
    .split(/[;{}]/)
    .map((part) => part.trim());
}

it('the variables file is what the theme says', () => {
  const written = readFileSync(new URL('./theme-variables.css', import.meta.url), 'utf8');
  expect(declarations(written)).toEqual(declarations(themeVariablesCss()));
});
