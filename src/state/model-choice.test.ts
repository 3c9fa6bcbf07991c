import { beforeEach, describe, expect, it } from 'vitest';
import {
  cancelLoad,
  chooseFolder,
  chooseProvider,
  choiceFromSearch,
  packageUrl,
  modelSource,
  reloadModel,
  useModelChoice,
} from './model-choice.ts';

beforeEach(() => useModelChoice.setState(useModelChoice.getInitialState(), true));

describe('addresses', () => {
  const base = 'https://example.org/scope/#/models';
  it.each([
    ['https://host/pack/armoscope.json', 'https://host/pack/'],
    ['https://host/pack', 'https://host/pack/'],
    ['https://host/pack/', 'https://host/pack/'],
    ['https://host/pack/armoscope.json?x=1', 'https://host/pack/?x=1'],
    ['./models/a', 'https://example.org/scope/models/a/'],
  ])('%s is %s', (address, url) => expect(packageUrl(address, base)).toBe(url));
  it('come from the page address', () => {
    expect(choiceFromSearch('?model=https%3A%2F%2Fhost%2Fpack')).toEqual({ kind: 'url', url: 'https://host/pack' });
    expect(choiceFromSearch('?model=')).toEqual({ kind: 'embedded' });
    expect(choiceFromSearch('')).toEqual({ kind: 'embedded' });
  });
});

describe('choices', () => {
  it('load again whenever something is chosen', () => {
    const before = useModelChoice.getState().loadId;
    reloadModel();
    chooseProvider('wasm');
    expect(useModelChoice.getState()).toMatchObject({ loadId: before + 2, provider: 'wasm' });
    cancelLoad();
    expect(useModelChoice.getState().cancelledLoadId).toBe(before + 2);
    reloadModel();
    expect(useModelChoice.getState().cancelledLoadId).not.toBe(useModelChoice.getState().loadId);
  });
  it('carry a folder to the engine', () => {
    const files = [{ path: 'armoscope.json', blob: new Blob(['{}']) }];
    chooseFolder('pack', files);
    expect(modelSource(useModelChoice.getState().choice, 'https://example.org/')).toEqual({
      kind: 'files',
      name: 'pack',
      files,
    });
  });
});
