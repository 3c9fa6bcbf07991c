/**
 * Which model package the person chose, on which provider. Serialisable, except that a picked folder's files are kept beside
 * the store (a `File` cannot be written to a link) and referred to by number.
 */
import { create } from 'zustand';
import type { ModelSource, Provider, SourceFile, StageMode } from '@/engine/api/messages.ts';

export type ModelChoice =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'folder'; readonly folder: number; readonly name: string }
  /** A package kept on this machine that came from no address: by the name of its folder here. */
  | { readonly kind: 'kept'; readonly key: string; readonly name: string };

export type PickedFile = SourceFile;

export interface ModelChoiceState {
  readonly choice: ModelChoice;
  /** `undefined`: the first provider that proves itself. */
  readonly provider: Provider | undefined;
  /** `undefined`: all stages where they fit. */
  readonly stages: StageMode | undefined;
  /** Changes with every wish to load, so that choosing the same model again loads it again. */
  readonly loadId: number;
  /** The load the person cancelled; it is not started again by itself. */
  readonly cancelledLoadId: number | undefined;
  /** The load whose model the person has unloaded since. */
  readonly unloadedLoadId: number | undefined;
  /** Why the folder picked last is no package, in words. */
  readonly folderProblem: string | undefined;
}

const pickedFolders = new Map<number, readonly PickedFile[]>();

/** Files of the kept package that stands for the choice of a load: `queries/kept-model.ts` puts them here before it. */
let mounted: { readonly choice: ModelChoice; readonly files: readonly PickedFile[] } | undefined;

/** Lets a choice be read from files that lie on this machine, until the next is mounted; `undefined`: from where it says. */
export function mountFiles(choice: ModelChoice, files: readonly PickedFile[] | undefined): void {
  mounted = files === undefined ? undefined : { choice, files };
}

function mountedFiles(choice: ModelChoice): readonly PickedFile[] | undefined {
  return mounted !== undefined && JSON.stringify(mounted.choice) === JSON.stringify(choice) ? mounted.files : undefined;
}

export const useModelChoice = create<ModelChoiceState>(() => ({
  choice: { kind: 'embedded' },
  provider: undefined,
  stages: undefined,
  loadId: 1,
  cancelledLoadId: undefined,
  unloadedLoadId: undefined,
  folderProblem: undefined,
}));

/** Chooses a model (and loads it). */
export function chooseModel(choice: ModelChoice): void {
  useModelChoice.setState((state) => ({ choice, loadId: state.loadId + 1, folderProblem: undefined }));
}

/** Folders whose files are kept, so that a recent one can be opened again: files stay on disk, this holds their handles. */
const keptFolders = 4;

/** Remembers the files of a folder and chooses it. */
export function chooseFolder(name: string, files: readonly PickedFile[]): void {
  const folder = useModelChoice.getState().loadId + 1;
  pickedFolders.set(folder, files);
  for (const old of [...pickedFolders.keys()].slice(0, -keptFolders)) pickedFolders.delete(old);
  chooseModel({ kind: 'folder', folder, name });
}

/** Says why a picked folder was not opened; `undefined` takes it back. The model in use stays. */
export function reportFolderProblem(folderProblem: string | undefined): void {
  useModelChoice.setState({ folderProblem });
}

/** Chooses a provider (`undefined`: by itself) and loads the chosen model on it. */
export function chooseProvider(provider: Provider | undefined): void {
  useModelChoice.setState((state) => ({ provider, loadId: state.loadId + 1 }));
}

/** Chooses how the stages are held (`undefined`: by itself) and loads the chosen model so. */
export function chooseStages(stages: StageMode | undefined): void {
  useModelChoice.setState((state) => ({ stages, loadId: state.loadId + 1 }));
}

export function reloadModel(): void {
  useModelChoice.setState((state) => ({ loadId: state.loadId + 1 }));
}

export function cancelLoad(): void {
  useModelChoice.setState((state) => ({ cancelledLoadId: state.loadId }));
}

/** Marks the model of the present load as unloaded; nothing is loaded by itself after. */
export function markUnloaded(): void {
  useModelChoice.setState((state) => ({ unloadedLoadId: state.loadId }));
}

/** Whether a choice can be opened (again): the files of a folder from before may be gone. */
export function canOpen(choice: ModelChoice): boolean {
  return choice.kind !== 'folder' || pickedFolders.has(choice.folder);
}

/** The choice a page address asks for: `?model=URL`, otherwise the embedded model. */
export function choiceFromSearch(search: string): ModelChoice {
  const url = new URLSearchParams(search).get('model');
  return url === null || url.trim() === '' ? { kind: 'embedded' } : { kind: 'url', url: url.trim() };
}

/** Address of a package's folder, ending in a slash; the address of its manifest is taken too. @throws TypeError */
export function packageUrl(address: string, baseUrl: string): string {
  const url = new URL(address, baseUrl);
  url.pathname = url.pathname.replace(/\/armoscope\.json$/, '/');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  url.hash = '';
  return url.href;
}

/** What the engine is asked to load. `baseUrl` is the page's. @throws TypeError when a typed address is no URL. */
export function modelSource(choice: ModelChoice, baseUrl: string): ModelSource {
  if (choice.kind === 'folder') {
    return { kind: 'files', name: choice.name, files: pickedFolders.get(choice.folder) ?? [] };
  }
  const here = mountedFiles(choice);
  if (here !== undefined || choice.kind === 'kept')
    return { kind: 'files', name: choiceName(choice), files: here ?? [] };
  const address = choice.kind === 'url' ? choice.url : './models/embedded/';
  return { kind: 'url', url: packageUrl(address, baseUrl) };
}

/** The choice in words. */
export function choiceName(choice: ModelChoice): string {
  if (choice.kind === 'embedded') return 'Embedded model';
  return choice.kind === 'url' ? choice.url : choice.name;
}
