import { expect, test } from 'vitest';
import { memoryFileSet } from '@/formats/memory-source.ts';
import { licenceOf } from './model-card.ts';

const cases: readonly (readonly [string, string | undefined])[] = [
  ['---\nlanguage: en\nlicense: apache-2.0\n---\n# Card\n', 'apache-2.0'],
  ['---\r\nlicense: "llama3"\r\n---\r\n', 'llama3'],
  ['---\nlicense: other\n---\n', undefined],
  ['# Card\nlicense: mit\n', undefined],
  ['---\ntitle: x\n---\nlicense: mit\n', undefined],
];

test.each(cases)('%j', async (card, licence) => {
  expect(await licenceOf(memoryFileSet('m', new Map([['README.md', card]])))).toBe(licence);
});

test('no card', async () => {
  expect(await licenceOf(memoryFileSet('m', new Map()))).toBeUndefined();
});
