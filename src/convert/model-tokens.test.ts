import { describe, expect, test } from 'vitest';
import { pieceTools } from './fixtures/tiny-checkpoint.ts';
import { deriveModelTokens, type TextTools } from './model-tokens.ts';

interface Vocabulary {
  readonly special: readonly string[];
  /** Pieces of several characters, longest first; everything else is one token a character. */
  readonly merged: readonly string[];
}

function toolsFor(render: TextTools['render'], { special, merged }: Vocabulary): TextTools {
  const pieces = [...special, ...merged];
  return {
    render,
    encode(text) {
      const ids: number[] = [];
      for (let at = 0; at < text.length;) {
        const known = pieces.findIndex((piece) => text.startsWith(piece, at));
        ids.push(known >= 0 ? 1000 + known : text.charCodeAt(at));
        at += known >= 0 ? pieces[known]!.length : 1;
      }
      return ids;
    },
    isSpecial: (id) => id >= 1000 && id < 1000 + special.length,
  };
}

const smollm: TextTools['render'] = (messages, prompt) =>
  messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('') +
  (prompt ? '<|im_start|>assistant\n' : '');
const smollmWords: Vocabulary = { special: ['<|im_start|>', '<|im_end|>'], merged: ['\n\n\n', '\n\n', 'assistant'] };

const none = { bosTokenId: undefined, sharedPromptGating: false };

describe('the gate pattern', () => {
  test('stops before a newline that merges with a response', () => {
    const { rule, tokens } = deriveModelTokens(toolsFor(smollm, smollmWords), 'T', { ...none, bosTokenId: 1000 });
    expect(rule).toEqual({
      kind: 'last-pattern',
      text: '<|im_end|>\n<|im_start|>assistant',
      tokenIds: [1001, 10, 1000, 1004],
    });
    expect(tokens).toEqual({ chatTemplate: 'T', endOfTurnId: 1001 });
  });

  test('keeps the newline where the template trims contents', () => {
    const trimming: TextTools['render'] = (messages, prompt) =>
      smollm(
        messages.map(({ role, content }) => ({ role, content: content.trim() })),
        prompt,
      );
    const { rule } = deriveModelTokens(toolsFor(trimming, smollmWords), 'T', none);
    expect(rule).toMatchObject({ text: '<|im_end|>\n<|im_start|>assistant\n' });
  });

  test('and the end of turn are found where the template always opens the next answer', () => {
    const always: TextTools['render'] = (messages) => smollm(messages, true);
    const { rule, tokens } = deriveModelTokens(toolsFor(always, smollmWords), 'T', none);
    expect(tokens.endOfTurnId).toBe(1001);
    expect(rule).toMatchObject({ tokenIds: [1001, 10, 1000, 1004] });
  });

  test('is the prompt’s last token where the configuration says so', () => {
    const { rule } = deriveModelTokens(toolsFor(smollm, smollmWords), 'T', { ...none, sharedPromptGating: true });
    expect(rule).toEqual({ kind: 'prompt-last-token' });
  });

  test('is refused where nothing stands before the response', () => {
    const bare: TextTools['render'] = (messages) => `${messages.map(({ content }) => content).join('')}<|im_end|>`;
    expect(() => deriveModelTokens(toolsFor(bare, smollmWords), 'T', none)).toThrow(
      /chat_template.*the gate has no place/,
    );
  });
});

describe('BOS and end of turn', () => {
  test('a BOS that opens the text once', () => {
    expect(deriveModelTokens(pieceTools, 'T', { ...none, bosTokenId: 128 }).tokens).toMatchObject({
      bosId: 128,
      endOfTurnId: 130,
    });
  });

  test('a token that opens every turn is none', () => {
    const { tokens } = deriveModelTokens(toolsFor(smollm, smollmWords), 'T', { ...none, bosTokenId: 1000 });
    expect(tokens.bosId).toBeUndefined();
  });

  test('a double BOS is refused', () => {
    const doubled: TextTools = { ...pieceTools, render: (...args) => `<|begin|>${pieceTools.render(...args)}` };
    expect(() => deriveModelTokens(doubled, 'T', { ...none, bosTokenId: 128 })).toThrow(/BOS.*twice/);
  });

  test('a template that ends a response with plain text is refused', () => {
    const plain: TextTools['render'] = (messages) => messages.map(({ content }) => `<|im_start|>${content}\n`).join('');
    expect(() => deriveModelTokens(toolsFor(plain, smollmWords), 'T', none)).toThrow(
      /no special token after a response/,
    );
  });

  test('a template that refuses to render is named', () => {
    const raising: TextTools['render'] = () => {
      throw new Error('only system');
    };
    expect(() => deriveModelTokens(toolsFor(raising, smollmWords), 'T', none)).toThrow(/chat_template.*only system/);
  });
});
