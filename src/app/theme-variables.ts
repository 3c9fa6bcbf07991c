/**
 * The theme's CSS variables as text, for `theme-variables.css`. Colour families nothing uses are left out: they are most of
 * the file, and the page's style budget is 20 KB compressed.
 */
import { convertCssVariables, DEFAULT_THEME, defaultCssVariablesResolver, mergeMantineTheme } from '@mantine/core';
import { theme } from './theme.ts';

/** Colour families the page uses; `blue` only so that Mantine's own defaults resolve. */
const usedColours = new Set(['iris', 'gray', 'dark', 'red', 'yellow', 'green']);

function keepUsed(variables: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => {
      const family = /^--mantine-color-([a-z]+)-/.exec(name)?.[1];
      return family === undefined || usedColours.has(family) || !Object.hasOwn(DEFAULT_THEME.colors, family);
    }),
  );
}

/** CSS text with `:root`, `light` and `dark` rules. Deterministic. */
export function themeVariablesCss(): string {
  const { variables, light, dark } = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme));
  const css = convertCssVariables(
    {
      variables: keepUsed(variables),
      light: { '--mantine-color-scheme': 'light', ...keepUsed(light) },
      dark: { '--mantine-color-scheme': 'dark', ...keepUsed(dark) },
    },
    ':root',
  );
  const lines = css
    .replaceAll('{', ' {\n  ')
    .replaceAll(/;(?=-)/g, ';\n  ')
    .replaceAll(';}', ';\n}\n');
  return `/* Written by src/app/write-theme-variables.ts from theme.ts; do not edit. */\n${lines.replaceAll(/\n{2,}/g, '\n').trim()}\n`;
}
