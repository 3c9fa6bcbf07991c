import { expect, it } from 'vitest';
import { tokenPieces, visibleToken } from './token-pieces.ts';

it('says of every token what it belongs to and what is read at it', () => {
  const tokenTexts = [
    '<|im_start|>',
    'user',
    '\n',
    'Hi',
    '<|im_end|>',
    '\n',
    '<|im_start|>',
    'assistant',
    '\n',
    'Yes',
    ' <b>',
    '<|im_end|>',
  ];
  const { pieces, prompt, response } = tokenPieces({
    tokenIds: Int32Array.from(tokenTexts.keys()),
    tokenTexts,
    gateIndex: 4,
    scoredIndex: 11,
    responseStart: 9,
    warnings: [],
  });
  expect([prompt, response]).toEqual([9, 3]);
  expect(pieces.map(({ role }) => role[0]).join('')).toBe('spppspspprrs');
  expect(pieces.filter(({ mark }) => mark !== undefined).map(({ index, mark }) => [index, mark])).toEqual([
    [4, 'gate'],
    [11, 'scored'],
  ]);
});

it('makes the invisible visible', () => {
  expect(visibleToken(' a\n\t')).toBe('␣a⏎⇥');
  expect(visibleToken('')).toBe('∅');
});
