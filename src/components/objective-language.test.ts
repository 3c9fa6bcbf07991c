import { describe, expect, it } from 'vitest';
import {
  groupStyle,
  markerPath,
  distinctObjectiveLabels,
  shortObjectiveLabel,
  splitObjectiveName,
  wrapLabel,
} from './objective-language.ts';

const objectives = [
  ['helpsteer-verbosity', 'helpsteer', 'verbosity'],
  ['ultrafeedback-instruction_following', 'ultrafeedback', 'instruction following'],
  ['beavertails-is_safe', 'safety', 'beavertails is safe'],
  ['argilla-judge_lm', 'judge', 'argilla judge lm'],
  ['code-instruction-following', 'code', 'instruction following'],
  ['plain', 'anything', 'plain'],
] as const;

describe('names', () => {
  it.each(objectives)('%s of %s reads %s', (name, group, label) =>
    expect(shortObjectiveLabel({ name, group })).toBe(label),
  );
  it('can be put together again', () => {
    for (const [name] of objectives) expect(splitObjectiveName(name).join('')).toBe(name);
  });
  it('wrap between words and lose no character', () => {
    expect(wrapLabel('instruction following', 14)).toEqual(['instruction', 'following']);
    expect(wrapLabel('argilla judge lm', 14)).toEqual(['argilla judge', 'lm']);
    expect(wrapLabel('truthfulness', 4)).toEqual(['truthfulness']);
  });
});

describe('groups', () => {
  it('have a shape of their own each', () => {
    const shapes = ['helpsteer', 'ultrafeedback', 'safety', 'judge', 'code', 'new'].map((g) => groupStyle(g).shape);
    expect(new Set(shapes).size).toBe(shapes.length);
    expect(new Set(shapes.map((shape) => markerPath(shape, 8))).size).toBe(shapes.length);
  });
  it('unknown ones keep their own name', () => expect(groupStyle('Medical').label).toBe('Medical'));
});

it('labels that stand together are told apart by their group, and by their names where that is the same, too', () => {
  const of = (name: string, group: string) => ({ name, group });
  expect(
    distinctObjectiveLabels([
      of('helpsteer-helpfulness', 'helpsteer'),
      of('ultrafeedback-helpfulness', 'ultrafeedback'),
      of('code-style', 'code'),
      of('quality', 'other'),
      of('other-quality', 'other'),
    ]),
  ).toEqual(['helpsteer helpfulness', 'ultrafeedback helpfulness', 'style', 'quality', 'other-quality']);
});
