import { describe, expect, it } from 'vitest';
import { codeBlocks, codeComplexity, codeExplanation, readingComplexity, sentences, words } from './text-measures.ts';

describe('text measures', () => {
  it('sentences join back to the text', () => {
    const text = 'First one. Second "quoted." Third?\n\nA list:\n- item\n- another! No end';
    expect(sentences(text).join('')).toBe(text);
    expect(sentences(text).length).toBe(7);
  });

  it('counts words with accents and apostrophes', () => {
    expect(words("Don't naïve 42 café — ok")).toEqual(["Don't", 'naïve', '42', 'café', 'ok']);
  });

  it('demanding prose reads as more complex than plain prose, whatever its length', () => {
    const plain = 'The cat sat on the mat. It was warm. He liked it a lot.';
    const hard =
      'Contemporary jurisprudence presupposes institutional independence, notwithstanding considerable constitutional heterogeneity.';
    expect(readingComplexity(hard)).toBeGreaterThan(readingComplexity(plain) + 2);
    expect(readingComplexity(`${plain} ${plain} ${plain}`)).toBeCloseTo(readingComplexity(plain), 1);
    expect(readingComplexity('')).toBe(0);
  });

  it('branching code is more complex than a straight line; comments do not count', () => {
    const straight = 'a = 1\nb = 2\nc = a + b\n';
    const nested = 'for i in x:\n    if i > 2:\n        while y:\n            z = i and y\n';
    expect(codeComplexity(nested)).toBeGreaterThan(codeComplexity(straight));
    expect(codeComplexity(`# if for while and or\n${straight}`)).toBeCloseTo(codeComplexity(straight), 10);
    expect(codeComplexity('')).toBe(0);
  });

  it('comments and prose explain code', () => {
    const bare = '```\nx = 1\ny = 2\n```';
    const told = 'We set two values.\n```\nx = 1 # the first\ny = 2 # the second\n```';
    expect(codeExplanation(bare)).toBe(0);
    expect(codeExplanation(told)).toBeGreaterThan(1);
    expect(codeBlocks(told)).toEqual(['x = 1 # the first\ny = 2 # the second\n']);
    expect(codeBlocks('```js\nunclosed')).toEqual(['unclosed']);
  });
});
