import { beforeEach, expect, it } from 'vitest';
import { chooseCheckpoint, useCheckpointChoice } from '@/state/checkpoint-choice.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { adapterFiles, ggufParts, openFolder, packageFiles } from './package-folder.ts';

const blob = new Blob([]);
const folder = (...paths: string[]) => ({ name: 'pack', files: paths.map((path) => ({ path, blob })) });

beforeEach(() => useModelChoice.setState(useModelChoice.getInitialState(), true));

it('finds the package at the root or in a folder below', () => {
  expect(packageFiles(folder('armoscope.json', 'stage-00.onnx'))?.files).toHaveLength(2);
  const nested = packageFiles(folder('readme.md', 'out/armoscope.json', 'out/stage-00.onnx', 'out/old/armoscope.json'));
  expect(nested?.name).toBe('pack/out');
  expect(nested?.files.map((entry) => entry.path)).toEqual(['armoscope.json', 'stage-00.onnx', 'old/armoscope.json']);
  expect(packageFiles(folder('config.json'))).toBeUndefined();
});

it('refuses another folder by name and leaves the model in use', () => {
  const before = useModelChoice.getState().loadId;
  openFolder(folder('config.json'));
  expect(useModelChoice.getState()).toMatchObject({ loadId: before, choice: { kind: 'embedded' } });
  expect(useModelChoice.getState().folderProblem).toContain('config.json');
  openFolder(folder());
  expect(useModelChoice.getState().folderProblem).toContain('empty');
  openFolder(folder('armoscope.json'));
  expect(useModelChoice.getState()).toMatchObject({
    folderProblem: undefined,
    choice: { kind: 'folder', name: 'pack' },
  });
});

it('offers a checkpoint for conversion, which is no mistake, and leaves the model in use', () => {
  const before = useModelChoice.getState().loadId;
  openFolder(folder());
  expect(openFolder(folder('readme.md', 'model/config.json', 'model/model.safetensors'))).toBe('checkpoint');
  expect(useModelChoice.getState()).toMatchObject({ loadId: before, folderProblem: undefined });
  const { chosen, offered } = useCheckpointChoice.getState();
  expect(chosen?.name).toBe('pack/model');
  expect(offered).toBe(true);
  chooseCheckpoint(chosen);
  expect(useCheckpointChoice.getState().offered).toBe(false);
});

it('finds a GGUF with what belongs to it among loose files, and an adapter in its folder', () => {
  const parts = ggufParts(
    folder('a/model.Q4_1.gguf', 'a/tokenizer.json', 'heads.safetensors', 'notes.txt', 'adapter_model.safetensors')
      .files,
  );
  expect(parts.file?.path).toBe('model.Q4_1.gguf');
  expect(parts.tokenizer.map(({ path }) => path)).toEqual(['tokenizer.json']);
  expect(parts.heads?.path).toBe('heads.safetensors');
  expect(adapterFiles(folder('adapter_config.json'))).toBeUndefined();
  expect(adapterFiles(folder('x/adapter_config.json', 'x/adapter_model.safetensors'))?.name).toBe('pack/x');
});

it('offers a dropped GGUF and a dropped adapter for conversion', () => {
  expect(openFolder(folder('model.gguf', 'tokenizer.json'))).toBe('checkpoint');
  expect(useCheckpointChoice.getState()).toMatchObject({ offered: true, gguf: { file: { path: 'model.gguf' } } });
  expect(openFolder(folder('adapter_config.json', 'adapter_model.safetensors'))).toBe('checkpoint');
  expect(useModelChoice.getState().folderProblem).toBeUndefined();
  expect(useCheckpointChoice.getState()).toMatchObject({
    gguf: { file: { path: 'model.gguf' } },
    adapter: { name: 'pack' },
  });
});
