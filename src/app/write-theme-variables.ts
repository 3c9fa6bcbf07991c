/** Writes `theme-variables.css`: `npx tsx src/app/write-theme-variables.ts` after every change of `theme.ts`. */
import { writeFileSync } from 'node:fs';
import { themeVariablesCss } from './theme-variables.ts';

writeFileSync(new URL('./theme-variables.css', import.meta.url), themeVariablesCss());
