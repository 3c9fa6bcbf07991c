/** Titles of the engine's warnings; the warning's own message says what was found. */
import type { ScoreWarning } from '@/engine/api/messages.ts';

export const warningWords: Readonly<Record<ScoreWarning['code'], string>> = {
  'gate-hijack': 'This text contains the model’s own control tokens',
  template: 'The template changed this text',
  whitespace: 'Spaces at the edges were changed',
};
