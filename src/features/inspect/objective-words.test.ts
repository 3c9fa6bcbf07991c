import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readObjectiveFacts } from '@/formats/objective-facts.ts';
import {
  certainEffects,
  descriptionWords,
  labelWords,
  predictionWords,
  raisedWords,
  roleWords,
  scaleWords,
} from './objective-words.ts';
import { testManifest } from './test-model.ts';

const manifest = testManifest();
const [first] = manifest.objectives;
if (first === undefined) throw new Error('the test manifest has objectives');
const facts = {
  name: 'a',
  agreement: [],
  headline: { source: 'ratings', n: 44, measure: 'spearman' as const, value: 0.4338 },
  raisedBy: [
    { words: 'is whole', pairs: 9, effect: 2.4084, within: 0.3 },
    { words: 'is spelt right', pairs: 9, effect: 0.1, within: 0.2 },
    { words: 'flatters', pairs: 9, effect: -0.5, within: 0.2 },
  ],
  length: { spearman: 0.2, perDoubling: 0.1 },
};

describe('what is not known is said to be', () => {
  it('falls back on what was published for ArmoRM, and says so', () => {
    const unnamed = { ...first, description: '', labels: { kind: 'unknown' as const, note: '' } };
    expect(descriptionWords(unnamed)).toMatch(/^How helpful .* \(As published for ArmoRM; this package itself/);
    expect(labelWords(unnamed)).toMatch(/Not stated by this package\. For ArmoRM .*HelpSteer.* is not known\.$/);
    const strange = { ...unnamed, name: 'mystery' };
    expect([descriptionWords(strange), labelWords(strange)]).toEqual([
      'This package does not say what it is.',
      'Not stated by this package.',
    ]);
  });
  it('without a report, or with too few labels', () => {
    expect(predictionWords(undefined)).toBe('Unknown: this package brings no figures for it.');
    expect(predictionWords({ ...facts, headline: undefined })).toMatch(/^Unknown: there were too few labels/);
  });
});

describe('what is known is told as the figures have it', () => {
  it.each([
    ['spearman', 0.05, 'hardly'],
    ['spearman', 0.2, 'weakly'],
    ['spearman', 0.4338, 'moderately'],
    ['spearman', 0.99, 'clearly'],
    ['auc', 0.5482, 'hardly'],
    ['auc', 0.97, 'clearly'],
  ] as const)('%s %d is %s', (measure, value, strength) => {
    const text = predictionWords({ ...facts, headline: { source: 'ratings', n: 44, measure, value } });
    expect(text).toContain(strength);
    expect(text).toContain('on 44 responses');
  });
  it('names only effects beyond their interval', () => {
    expect(certainEffects(facts).map(({ words }) => words)).toEqual(['is whole', 'flatters']);
    expect(raisedWords(facts)).toBe(
      'Among the differences that were tried, it is raised most when the response is whole (+2.41 standard deviations), and it ' +
        'is lowered most when the response flatters (−0.500).',
    );
    expect(raisedWords({ ...facts, raisedBy: [] })).toBe(
      'None of the differences that were tried moves it beyond chance.',
    );
  });
  it('knows the published scale and the objective that measures length', () => {
    expect(scaleWords(first)).toBe('rating 0 to 4 = 5 · reward − 0.5');
    expect(roleWords(manifest, 4)).toContain('measures length');
    expect(roleWords(manifest, 0)).toBeUndefined();
  });
  it('has words for every objective of the embedded package', () => {
    const report: unknown = JSON.parse(
      readFileSync(new URL('../../../public/models/embedded/report.json', import.meta.url), 'utf8'),
    );
    const all = [...readObjectiveFacts(report).values()];
    expect(all.length).toBeGreaterThan(0);
    for (const entry of all) {
      expect(predictionWords(entry)).not.toMatch(/NaN|undefined|–/);
      expect(raisedWords(entry)).not.toMatch(/NaN|undefined|–/);
    }
  });
});
