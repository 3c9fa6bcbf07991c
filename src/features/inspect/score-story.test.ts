import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSignificant, formatSigned } from '@/components/number-format.ts';
import { scoreSentence, scoreStory } from './score-story.ts';
import { testManifest, testResponse } from './test-model.ts';

const plain = testManifest();
const manifest = { ...plain, referenceMeans: plain.objectives.map((_, index) => 0.2 - index / 50) };
const stories = fc.nat(1e6).map((seed) => {
  const scored = testResponse(manifest, seed);
  return { scored, story: scoreStory(manifest, scored) };
});

describe('a score’s story', () => {
  it('sums to the score, from what average rewards would get', () => {
    fc.assert(
      fc.property(stories, ({ scored, story }) => {
        const base = scored.coefficients.reduce((sum, c, i) => sum + c * (manifest.referenceMeans[i] ?? NaN), 0);
        const sum = story.base + story.steps.reduce((total, step) => total + step.value, 0);
        expect(story.base).toBeCloseTo(base, 12);
        expect(Math.abs(sum - scored.score)).toBeLessThanOrEqual(1e-12 * scored.coefficients.length);
      }),
    );
  });
  it('starts from zero where the package has no means', () => {
    const scored = testResponse(plain, 5);
    const story = scoreStory(plain, scored);
    expect(story).toMatchObject({ base: 0, fromMeans: false });
    expect(story.steps[2]?.value).toBe((scored.coefficients[2] ?? 0) * (scored.rewards[2] ?? 0));
    expect(scoreSentence(story, 'Response A')).toContain(`Response A scores ${formatSignificant(scored.score, 3)}:`);
  });
  it('is told truly', () => {
    fc.assert(
      fc.property(stories, ({ story }) => {
        const text = scoreSentence(story, 'It');
        const values = story.steps.map((step) => step.value);
        const [high, low] = [Math.max(...values), Math.min(...values)];
        const [place = '', moves = ''] = text.split(': ');
        expect(place.includes('above')).toBe(story.score > story.base);
        expect(place).toContain(formatSignificant(Math.abs(story.score - story.base), 3));
        expect(moves).toContain(
          high > 0
            ? `${story.steps[values.indexOf(high)]?.key ?? ''} raises it most (${formatSigned(high, 3)})`
            : 'nothing raises it',
        );
        expect(moves).toContain(
          low < 0
            ? `${story.steps[values.indexOf(low)]?.key ?? ''} lowers it most (${formatSigned(low, 3)})`
            : 'nothing lowers it',
        );
      }),
    );
  });
});
