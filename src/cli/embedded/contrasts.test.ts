import { describe, expect, it } from 'vitest';
import { proseContrast, PROSE_CONTRASTS } from './contrasts.ts';
import { codeContrast, introducedNames, spoilNames, stripComments } from './code-contrasts.ts';
import { codeBlocks, sentences, words } from './text-measures.ts';

const ANSWER =
  'Bread rises because yeast eats sugar and gives off gas. The gas is caught in the dough by gluten. ' +
  'Kneading makes the gluten strong, so that it can stretch without tearing. Warmth speeds the yeast up. ' +
  'If the dough rests too long, the gas escapes and the loaf falls. Bake it while it is still springy.';

const CODE_ANSWER = [
  'This function adds the squares of the even numbers, and it ignores everything that is not a number at all.',
  '```python',
  '# Sum of even squares',
  'def sum_even_squares(numbers):',
  '    """Adds up."""',
  '    total = 0',
  '    for number in numbers:',
  '        if number % 2 == 0:',
  '            # squares are never negative',
  '            total = total + number ** 2',
  '    return total',
  '```',
].join('\n');

describe('prose contrasts', () => {
  for (const kind of PROSE_CONTRASTS)
    it(`${kind}: differs from the answer and depends on the seed alone`, () => {
      const twin = proseContrast(kind, ANSWER, 'seed', false, 'Whales are mammals.');
      expect(twin).toBeDefined();
      expect(twin).not.toBe(ANSWER);
      expect(proseContrast(kind, ANSWER, 'seed', false, 'Whales are mammals.')).toBe(twin);
    });

  it('shuffling keeps every sentence and moves most of them', () => {
    const twin = proseContrast('shuffled', ANSWER, 'a', false) ?? '';
    const before = sentences(ANSWER).map((part) => part.trim());
    const after = sentences(twin).map((part) => part.trim());
    expect([...after].sort()).toEqual([...before].sort());
    expect(after.filter((part, i) => part === before[i]).length).toBeLessThanOrEqual(before.length / 4);
  });

  it('truncation is a prefix that stops inside a sentence', () => {
    for (const seed of ['a', 'b', 'c', 'd']) {
      const twin = proseContrast('truncated', ANSWER, seed, false) ?? '';
      expect(ANSWER.startsWith(twin)).toBe(true);
      expect(twin).not.toMatch(/[.!?]$/);
      expect(twin.length).toBeLessThan(ANSWER.length);
    }
  });

  it('padding keeps the answer’s sentences in order and adds to them', () => {
    const twin = proseContrast('padded', ANSWER, 'a', false) ?? '';
    let at = -1;
    for (const sentence of sentences(ANSWER)) {
      const next = twin.indexOf(sentence.trim());
      expect(next).toBeGreaterThan(at);
      at = next;
    }
    expect(words(twin).length).toBeGreaterThan(words(ANSWER).length * 1.2);
  });

  it('phrases of training and of evaluation never meet', () => {
    for (const kind of ['terse', 'evasive'] as const) {
      const seen = (heldOut: boolean): Set<string | undefined> =>
        new Set(Array.from({ length: 60 }, (_, i) => proseContrast(kind, ANSWER, `s${i}`, heldOut)));
      const training = seen(false);
      for (const phrase of seen(true)) expect(training.has(phrase)).toBe(false);
    }
  });

  it('a text too short for a kind gives no twin', () => {
    expect(proseContrast('shuffled', 'One. Two.', 'a', false)).toBeUndefined();
    expect(proseContrast('truncated', 'Only a few words here.', 'a', false)).toBeUndefined();
    expect(proseContrast('off-topic', ANSWER, 'a', false, ANSWER)).toBeUndefined();
  });
});

describe('code contrasts', () => {
  it('strips comments and docstrings, keeps the statements', () => {
    const twin = codeContrast('comments', CODE_ANSWER, 'a') ?? '';
    expect(twin).not.toContain('Sum of even');
    expect(twin).not.toContain('Adds up');
    expect(twin).not.toContain('never negative');
    expect(twin).toContain('total = total + number ** 2');
    expect(stripComments('x = 1\ny = 2\n')).toBeUndefined();
  });

  it('finds the names the code introduces and renames all their uses', () => {
    expect(introducedNames(codeBlocks(CODE_ANSWER)[0] ?? '').sort()).toEqual([
      'number',
      'numbers',
      'sum_even_squares',
      'total',
    ]);
    const twin = spoilNames('def area(width, height):\n    return width * height * scale.width\n', () => 0.4) ?? '';
    expect(twin).not.toMatch(/area|[^.]\bwidth|\bheight/);
    expect(twin).toContain('scale.width');
    expect(spoilNames('print(1)', () => 0.4)).toBeUndefined();
  });

  it('spoils the layout without changing a token', () => {
    const twin = codeContrast('layout', CODE_ANSWER, 'a') ?? '';
    const squeeze = (text: string): string => text.replace(/\s+/g, '');
    expect(twin).not.toBe(CODE_ANSWER);
    expect(squeeze(twin)).toBe(squeeze(CODE_ANSWER));
  });

  it('cuts the code off and keeps what stood before', () => {
    const twin = codeContrast('cut', CODE_ANSWER, 'a') ?? '';
    expect(CODE_ANSWER.startsWith(twin)).toBe(true);
    expect(twin).toContain('def sum_even_squares');
    expect(twin).not.toContain('return total');
  });

  it('an answer without code has no code twin', () => {
    for (const kind of ['comments', 'names', 'layout', 'cut', 'bare'] as const)
      expect(codeContrast(kind, ANSWER, 'a')).toBeUndefined();
  });
});
