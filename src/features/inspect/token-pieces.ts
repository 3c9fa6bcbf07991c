/** A tokenised response as pieces to show: what each token belongs to and what is read at it. Pure. */
import type { TokenizedResponse } from '@/engine/api/messages.ts';

export interface TokenPiece {
  readonly index: number;
  readonly id: number;
  readonly text: string;
  /** `special`: written by the template, or a special token. `prompt` and `response`: the texts' own. */
  readonly role: 'special' | 'prompt' | 'response';
  readonly mark: 'gate' | 'scored' | undefined;
}

/** A special token is written as its name in brackets or bars, in every tokenizer of the families that are read. */
const specialName = /^(<[^\s<>]+>|\[[A-Z_]+\])$/;

export function tokenPieces(read: TokenizedResponse): {
  readonly pieces: readonly TokenPiece[];
  readonly prompt: number;
  readonly response: number;
} {
  const { tokenIds, tokenTexts, gateIndex, scoredIndex, responseStart } = read;
  const pieces = tokenTexts.map((text, index): TokenPiece => ({
    index,
    id: tokenIds[index] ?? -1,
    text,
    role: specialName.test(text) ? 'special' : index >= responseStart ? 'response' : 'prompt',
    // The scored token is the end of the turn; where the gate reads the same one, the score is what matters.
    mark: index === scoredIndex ? 'scored' : index === gateIndex ? 'gate' : undefined,
  }));
  return { pieces, prompt: responseStart, response: tokenIds.length - responseStart };
}

/** A token with its invisible characters made visible. */
export function visibleToken(text: string): string {
  if (text === '') return '∅';
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll(/ /g, '␣');
}
