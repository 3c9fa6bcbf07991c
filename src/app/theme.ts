/**
 * The Mantine theme. Its CSS variables are not injected at run time (a strict `style-src` forbids style elements): they are
 * written to `theme-variables.css` by `write-theme-variables.ts`, and a test keeps the two equal.
 */
import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** The one accent. Objectives have their own colours (components/objective-language.ts), none of which is close to it. */
const iris: MantineColorsTuple = [
  '#eef0fb',
  '#dcdff3',
  '#b8bfe4',
  '#939dd6',
  '#7480ca',
  '#5f6cc2',
  '#5260b3',
  '#47549f',
  '#3b478a',
  '#2c376f',
];

/** Neutral greys with a little blue; index 7 is the page in dark mode, 6 a card. */
const dark: MantineColorsTuple = [
  '#d3d7df',
  '#b4bac6',
  '#98a0af',
  '#6c7484',
  '#434a58',
  '#333946',
  '#232831',
  '#181c23',
  '#12151b',
  '#0c0e12',
];

const gray: MantineColorsTuple = [
  '#f7f8fa',
  '#eff1f4',
  '#e3e6eb',
  '#d3d7de',
  '#bcc2cc',
  '#98a0ad',
  '#626b79',
  '#4a5260',
  '#333a46',
  '#1f242d',
];

export const theme = createTheme({
  colors: { iris, dark, gray },
  primaryColor: 'iris',
  primaryShade: { light: 7, dark: 6 },
  black: '#1b2029',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  spacing: { xs: '0.5rem', sm: '0.75rem', md: '1rem', lg: '1.25rem', xl: '1.75rem' },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.5', lg: '1.5', xl: '1.4' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.25rem', lineHeight: '1.3' },
      h2: { fontSize: '1rem', lineHeight: '1.35' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
      h4: { fontSize: '0.8125rem', lineHeight: '1.4' },
    },
  },
});
