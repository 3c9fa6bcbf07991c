import { beforeEach, expect, it } from 'vitest';
import {
  forgetModel,
  MOST_RECENT_MODELS,
  recentFromText,
  recentToText,
  rememberModel,
  useRecentModels,
} from './recent-models.ts';

const about = { name: 'A model', modelId: 'a@1', bytes: 5 };
const names = () =>
  useRecentModels
    .getState()
    .models.map(({ choice }) => (choice.kind === 'url' ? choice.url : `folder ${choice.folder}`));

beforeEach(() => useRecentModels.setState({ models: [] }));

it('lists what was opened, latest first, each once, the embedded model never', () => {
  rememberModel({ kind: 'url', url: 'https://a/' }, about);
  rememberModel({ kind: 'folder', folder: 3, name: 'mine' }, about);
  rememberModel({ kind: 'embedded' }, about);
  rememberModel({ kind: 'url', url: 'https://a/' }, about);
  expect(names()).toEqual(['https://a/', 'folder 3']);
  forgetModel({ kind: 'url', url: 'https://a/' });
  expect(names()).toEqual(['folder 3']);
  for (let i = 0; i < 20; i++) rememberModel({ kind: 'url', url: `https://${i}/` }, about);
  expect(names()).toHaveLength(MOST_RECENT_MODELS);
  expect(names()[0]).toBe('https://19/');
});

it('writes addresses, reads them back, and takes nothing else', () => {
  rememberModel({ kind: 'folder', folder: 3, name: 'mine' }, about);
  rememberModel({ kind: 'url', url: 'https://a/' }, about);
  const text = recentToText(useRecentModels.getState().models);
  expect(recentFromText(text)).toEqual([{ choice: { kind: 'url', url: 'https://a/' }, ...about }]);
  for (const wrong of [
    null,
    '',
    '{',
    '{}',
    '[1]',
    '[{"url":"x"}]',
    text.replace('5', '-5'),
    text.replace('"A', '1,"A'),
  ])
    expect(recentFromText(wrong), String(wrong)).toEqual([]);
});
