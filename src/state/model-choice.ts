/**
 * Which model package the person chose, on which provider. Serialisable, except that a picked folder's files are kept beside
 * the store (a `File` cannot be written to a link) and referred to by number.
 */
import { create } from 'zustand';
import type { ModelSource, Provider } from '@/engine/api/messages.ts';

export type ModelChoice =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'folder'; readonly folder: number; readonly name: string };

export interface PickedFile {
  readonly path: string;
  readonly blob: Blob;
}

export interface ModelChoiceState {
  readonly choice: ModelChoice;
  /** `undefined`: the first provider that proves itself. */
  readonly provider: Provider | undefined;
  /** Changes with every wish to load, so that choosing the same model again loads it again. */
  readonly loadId: number;
  /** The load the person cancelled; it is not started again by itself. */
  readonly cancelledLoadId: number | undefined;
}

const pickedFolders = new Map<number, readonly PickedFile[]>();

export const useModelChoice = create<ModelChoiceState>(() => ({
  choice: { kind: 'embedded' },
  provider: undefined,
  loadId: 1,
  cancelledLoadId: undefined,
}));

/** Chooses a model (and loads it). */
export function chooseModel(choice: ModelChoice): void {
  useModelChoice.setState((state) => ({ choice, loadId: state.loadId + 1 }));
}

/** Remembers the files of a folder and chooses it. The folder picked before is forgotten. */
export function chooseFolder(name: string, files: readonly PickedFile[]): void {
  const folder = useModelChoice.getState().loadId + 1;
  pickedFolders.clear();
  pickedFolders.set(folder, files);
  chooseModel({ kind: 'folder', folder, name });
}

/** Chooses a provider (`undefined`: by itself) and loads the chosen model on it. */
export function chooseProvider(provider: Provider | undefined): void {
  useModelChoice.setState((state) => ({ provider, loadId: state.loadId + 1 }));
}

export function reloadModel(): void {
  useModelChoice.setState((state) => ({ loadId: state.loadId + 1 }));
}

export function cancelLoad(): void {
  useModelChoice.setState((state) => ({ cancelledLoadId: state.loadId }));
}

/** The choice a page address asks for: `?model=URL`, otherwise the embedded model. */
export function choiceFromSearch(search: string): ModelChoice {
  const url = new URLSearchParams(search).get('model');
  return url === null || url.trim() === '' ? { kind: 'embedded' } : { kind: 'url', url: url.trim() };
}

/** Address of a package's manifest: a folder's address is completed with its file name. */
export function manifestUrl(address: string, baseUrl: string): string {
  const url = new URL(address, baseUrl);
  if (!url.pathname.endsWith('.json')) url.pathname = `${url.pathname.replace(/\/$/, '')}/armoscope.json`;
  return url.href;
}

/** What the engine is asked to load. `baseUrl` is the page's. @throws TypeError when a typed address is no URL. */
export function modelSource(choice: ModelChoice, baseUrl: string): ModelSource {
  switch (choice.kind) {
    case 'embedded':
      return { kind: 'url', url: manifestUrl('./models/embedded/armoscope.json', baseUrl) };
    case 'url':
      return { kind: 'url', url: manifestUrl(choice.url, baseUrl) };
    case 'folder':
      return { kind: 'files', name: choice.name, files: pickedFolders.get(choice.folder) ?? [] };
  }
}

/** The choice in words. */
export function choiceName(choice: ModelChoice): string {
  switch (choice.kind) {
    case 'embedded':
      return 'Embedded model';
    case 'url':
      return choice.url;
    case 'folder':
      return choice.name;
  }
}
