import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lengthVariants, restatementMark, sentencesOf, sweepSlopes } from './length-sweep.ts';
import { coefficients, score, adjustedRewards } from './reward-head.ts';

describe('sentences', () => {
  test.each([
    ['One. Two! Three?', ['One. ', 'Two! ', 'Three?']],
    ['It is 3.14 long. "Yes." he said', ['It is 3.14 long. ', '"Yes." ', 'he said']],
    ['A list:\n- one\n- two\n', ['A list:\n', '- one\n', '- two\n']],
    ['これは文です。これも。', ['これは文です。', 'これも。']],
    ['Wait... what?!  Yes.', ['Wait... ', 'what?!  ', 'Yes.']],
    ['', []],
  ])('%j', (text, expected) => {
    expect(sentencesOf(text)).toEqual(expected);
  });

  test('joined, give the text back', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '.', '!', ' ', '\n', '"', ')', '。', '😀') });
    fc.assert(
      fc.property(text, (value) => {
        expect(sentencesOf(value).join('')).toBe(value);
      }),
    );
  });
});

describe('variants', () => {
  test('are cut at sentence ends, whole, and padded with their own restatement, marked', () => {
    expect(lengthVariants('One. Two. Three.')).toEqual([
      { text: 'One.', sentences: 1, restated: 0 },
      { text: 'One. Two.', sentences: 2, restated: 0 },
      { text: 'One. Two. Three.', sentences: 3, restated: 0 },
      { text: `One. Two. Three.\n\n${restatementMark}One.`, sentences: 3, restated: 1 },
      { text: `One. Two. Three.\n\n${restatementMark}One. Two.`, sentences: 3, restated: 2 },
      { text: `One. Two. Three.\n\n${restatementMark}One. Two. Three.`, sentences: 3, restated: 3 },
    ]);
  });

  test('are few for a long answer, and ever longer', () => {
    const text = Array.from({ length: 100 }, (_, i) => `Sentence ${i}.`).join(' ');
    const variants = lengthVariants(text, 5);
    expect(variants).toHaveLength(11);
    const lengths = variants.map((variant) => variant.text.length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(lengthVariants('Alone')).toHaveLength(2);
    expect(() => lengthVariants('x', 0)).toThrow('at least one');
  });
});

test('the slopes under M = I and M differ by (c_v − g_v) dr_v/dlen', () => {
  const numbers = (length: number, scale = 5) =>
    fc.array(fc.double({ min: -scale, max: scale, noNaN: true }), { minLength: length, maxLength: length });
  fc.assert(
    fc.property(
      fc
        .integer({ min: 3, max: 9 })
        .chain((n) => fc.record({ rewards: fc.array(numbers(4), { minLength: n, maxLength: n }) })),
      numbers(4, 1),
      numbers(4, 2),
      ({ rewards }, gate, penalties) => {
        const v = 2;
        const transform = Float64Array.from({ length: 16 }, (_, at) => {
          const [i, j] = [Math.floor(at / 4), at % 4];
          return (i === j ? 1 : 0) - (i === v ? penalties[j]! : 0);
        });
        const head = { objectives: 4, transform };
        const g = Float64Array.from(gate);
        const c = coefficients(head, g);
        const points = rewards.map((row, i) => ({
          responseTokens: 10 + 7 * i + (i % 2),
          rewards: Float64Array.from(row),
        }));
        const slopes = sweepSlopes(points, g, c, v);
        expect(slopes.corrected - slopes.uncorrected).toBeCloseTo((c[v]! - g[v]!) * slopes.verbosity, 9);
        for (const [i, point] of points.entries())
          expect(slopes.correctedScores[i]).toBeCloseTo(score(g, adjustedRewards(head, point.rewards)), 9);
      },
    ),
  );
});
