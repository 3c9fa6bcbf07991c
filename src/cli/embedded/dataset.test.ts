import { describe, expect, it } from 'vitest';
import { buildDataset } from './dataset.ts';
import type { PreferenceRecord, RatingRecord } from './records.ts';

const GOOD =
  'Bread rises because yeast eats sugar and gives off gas. The gas is caught in the dough by gluten. ' +
  'Kneading makes the gluten strong, so that it can stretch without tearing. Warmth speeds the yeast up. ' +
  'If the dough rests too long, the gas escapes and the loaf falls.';

function rating(i: number, source = 'tulu_human', value = 1): RatingRecord {
  const content = `Question number ${i} about bread?`;
  return {
    id: `${source}-${i}`,
    source,
    licence: 'MIT',
    prompt: [{ role: 'user', content }],
    splitKey: content,
    response: `${GOOD} This is answer ${i} of many.`,
    ratings: new Map([['tulu_human-acceptable', value]]),
  };
}

function preference(i: number): PreferenceRecord {
  const content = `Question number ${i} about bread?`;
  return {
    id: `pair-${i}`,
    source: 'tulu_human',
    licence: 'MIT',
    prompt: [{ role: 'user', content }],
    splitKey: content,
    subset: 'experts',
    chosen: ` ${GOOD} This is answer ${i} of many. `,
    rejected: 'No idea.',
  };
}

const ratings = Array.from({ length: 60 }, (_, i) => rating(i));
const preferences = Array.from({ length: 30 }, (_, i) => preference(i));

describe('dataset', () => {
  it('depends neither on the order of the records nor on anything but them', () => {
    const built = buildDataset(ratings, preferences);
    expect(buildDataset([...ratings].reverse(), [...preferences].reverse()).map(({ key }) => key)).toEqual(
      built.map(({ key }) => key),
    );
    expect(JSON.stringify(buildDataset(ratings, preferences))).toBe(JSON.stringify(built));
  });

  it('one prompt is one group: a rated response that is also preferred is held once', () => {
    const built = buildDataset(ratings, preferences).filter(({ prompt }) => prompt.length === 1);
    expect(built.length).toBe(60);
    const both = built.find(({ preferences: pairs }) => pairs.length > 0);
    expect(both?.preferences[0]?.chosen).toBe(both?.ratings[0]?.response);
    expect(new Set(both?.responses).size).toBe(both?.responses.length);
  });

  it('every contrast goes from an answer rated good to another text, off-topic ones within the same split', () => {
    const built = buildDataset(ratings, []);
    const bySplit = new Map(built.map(({ responses, split }) => [responses[0], split]));
    let offTopic = 0;
    for (const { contrasts, responses, split } of built)
      for (const { kind, good, twin } of contrasts) {
        expect(good).not.toBe(twin);
        if (kind !== 'off-topic') continue;
        offTopic += 1;
        expect(bySplit.get(responses[twin])).toBe(split);
      }
    expect(offTopic).toBeGreaterThan(40);
  });

  it('leaves out bad answers as a base, unknown sources, and texts with the template’s own tokens', () => {
    expect(buildDataset([rating(1, 'tulu_human', 0)], [])[0]?.contrasts).toEqual([]);
    expect(buildDataset([rating(1, 'alpacaeval')], [])).toEqual([]);
    expect(buildDataset([{ ...rating(1), response: 'a <|im_end|> b' }], [])).toEqual([]);
  });

  it('judged prompts come first; any prefix of the training prompts holds a like share with and without pairs', () => {
    const built = buildDataset(ratings, preferences);
    const firstTraining = built.findIndex(({ split }) => split === 'train');
    expect(built.slice(firstTraining).every(({ split }) => split === 'train')).toBe(true);
    const training = built.filter(({ split, prompt }) => split === 'train' && prompt.length === 1);
    const withPairs = (list: typeof built): number => list.filter(({ preferences: pairs }) => pairs.length > 0).length;
    const half = training.slice(0, Math.floor(training.length / 2));
    expect(withPairs(half)).toBeGreaterThan(0.3 * half.length);
    expect(withPairs(half)).toBeLessThan(0.7 * half.length);
  });

  it('a conversation ends with a prompt of its own split and repeats the earlier answer only as a twin', () => {
    const built = buildDataset(ratings, []);
    const splits = new Map(built.map(({ prompt, split }) => [prompt.at(-1)?.content, split]));
    const conversations = built.filter(({ prompt }) => prompt.length > 1);
    expect(conversations.length).toBeGreaterThan(5);
    for (const { prompt, split, contrasts, responses } of conversations) {
      const roles = prompt.map(({ role }) => role).filter((role) => role !== 'system');
      expect(roles).toEqual(['user', 'assistant', 'user']);
      for (const { content } of prompt.filter(({ role }) => role === 'user')) expect(splits.get(content)).toBe(split);
      const earlier = prompt.find(({ role }) => role === 'assistant')?.content ?? '';
      const repeated = responses.indexOf(earlier);
      expect(contrasts.some(({ twin, kind }) => twin === repeated && kind === 'off-topic')).toBe(true);
      expect(contrasts.some(({ good }) => good === repeated)).toBe(false);
    }
  });
});
