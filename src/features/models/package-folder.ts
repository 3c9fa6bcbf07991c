/** Folders the person drops or picks, as the files of a model package. */
import { addGgufParts, chooseAdapter, type GgufParts, offerCheckpoint } from '@/state/checkpoint-choice.ts';
import { chooseFolder, reportFolderProblem, type PickedFile } from '@/state/model-choice.ts';

export interface FolderFiles {
  readonly name: string;
  readonly files: readonly PickedFile[];
}

const MANIFEST = 'armoscope.json';
const CONFIG = 'config.json';
const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'];

/**
 * The package inside a folder: the files beside the outermost manifest, by path relative to it.
 * `undefined` when there is no manifest.
 */
export function packageFiles(folder: FolderFiles): FolderFiles | undefined {
  return filesBeside(folder, MANIFEST);
}

/** The files beside the outermost file of that name, by path relative to it. */
function filesBeside({ name, files }: FolderFiles, beside: string): FolderFiles | undefined {
  const manifests = files
    .map((entry) => entry.path)
    .filter((path) => path === beside || path.endsWith(`/${beside}`))
    .sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
  const manifest = manifests[0];
  if (manifest === undefined) return undefined;
  const root = manifest.slice(0, manifest.length - beside.length);
  return {
    name: root === '' ? name : `${name}/${root.replace(/\/$/, '')}`,
    files: files
      .filter((entry) => entry.path.startsWith(root))
      .map((entry) => ({ path: entry.path.slice(root.length), blob: entry.blob })),
  };
}

/** The checkpoint in a folder: the files beside the outermost `config.json`, if safetensors are among them. */
export function checkpointFiles(folder: FolderFiles): FolderFiles | undefined {
  const found = filesBeside(folder, CONFIG);
  return found?.files.some(({ path }) => /^[^/]+\.safetensors$/.test(path)) === true ? found : undefined;
}

/** The LoRA adapter in a folder: the files beside the outermost `adapter_config.json`, if its weights are among them. */
export function adapterFiles(folder: FolderFiles): FolderFiles | undefined {
  const found = filesBeside(folder, ADAPTER_CONFIG);
  return found?.files.some(({ path }) => path === ADAPTER_WEIGHTS) === true ? found : undefined;
}

/** What of these files a GGUF's conversion takes, by their names wherever they lie; of several of a kind the first. */
export function ggufParts(files: readonly PickedFile[]): GgufParts {
  const named = files.map(({ path, blob }) => ({ path: path.slice(path.lastIndexOf('/') + 1), blob }));
  const file = named.find(({ path }) => /\.gguf$/i.test(path));
  const heads = named.find(({ path }) => path.endsWith('.safetensors') && path !== ADAPTER_WEIGHTS);
  return {
    ...(file === undefined ? {} : { file }),
    tokenizer: TOKENIZER_FILES.flatMap((name) => named.find(({ path }) => path === name) ?? []),
    ...(heads === undefined ? {} : { heads }),
  };
}

/**
 * Chooses the package in a folder, or offers the checkpoint, GGUF or adapter in it for conversion, or says what is missing and leaves the model in use
 * alone.
 * @returns what it was.
 */
export function openFolder(folder: FolderFiles): 'package' | 'checkpoint' | 'neither' {
  const found = packageFiles(folder);
  if (found !== undefined) {
    chooseFolder(found.name, found.files);
    return 'package';
  }
  const checkpoint = checkpointFiles(folder);
  if (checkpoint !== undefined) {
    reportFolderProblem(undefined);
    offerCheckpoint(checkpoint);
    return 'checkpoint';
  }
  const parts = ggufParts(folder.files);
  if (parts.file !== undefined) {
    reportFolderProblem(undefined);
    addGgufParts(parts, true);
    return 'checkpoint';
  }
  const adapter = adapterFiles(folder);
  if (adapter !== undefined) {
    reportFolderProblem(undefined);
    chooseAdapter(adapter, true);
    return 'checkpoint';
  }
  const holds =
    folder.files.length === 0
      ? 'It is empty.'
      : `It holds ${folder.files
          .slice(0, 4)
          .map((entry) => entry.path)
          .join(', ')}${folder.files.length > 4 ? ', …' : ''}.`;
  reportFolderProblem(
    `${folder.name}: no ${MANIFEST}, so this is not a model package. ${holds} Open a folder written by the converter.`,
  );
  return 'neither';
}

/** Files of an `<input webkitdirectory>`. */
export function pickedFolder(list: FileList): FolderFiles {
  const files = [...list];
  const name = files[0]?.webkitRelativePath.split('/')[0];
  return {
    name: name === undefined || name === '' ? 'The folder' : name,
    files: files.map((file) => ({
      path: file.webkitRelativePath.split('/').slice(1).join('/') || file.name,
      blob: file,
    })),
  };
}

/** Everything in a drop: one folder, or loose files. Call it inside the event: the list is emptied after. */
export async function readDropped(transfer: DataTransfer): Promise<FolderFiles> {
  // Where an item has no entry (a file another page or a script put there), its file is all there is to read.
  const loose = [...transfer.items].flatMap((item) =>
    item.webkitGetAsEntry() === null ? (item.getAsFile() ?? []) : [],
  );
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && isDirectory(only)) {
    return { name: only.name, files: await walkChildren(only, '') };
  }
  const files = await Promise.all(entries.map((entry) => walk(entry, '')));
  return {
    name: entries.length === 1 ? (only?.name ?? 'The drop') : 'The dropped files',
    files: [...files.flat(), ...loose.map((file) => ({ path: file.name, blob: file }))],
  };
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** Every file under `entry`, by path below `base`. */
async function walk(entry: FileSystemEntry, base: string): Promise<PickedFile[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => {
      entry.file(resolve, reject);
    });
    return [{ path: `${base}${entry.name}`, blob: file }];
  }
  return isDirectory(entry) ? walkChildren(entry, `${base}${entry.name}/`) : [];
}

async function walkChildren(directory: FileSystemDirectoryEntry, base: string): Promise<PickedFile[]> {
  const reader = directory.createReader();
  const children: FileSystemEntry[] = [];
  // readEntries gives at most a hundred at a time, and an empty list at the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) break;
    children.push(...batch);
  }
  const files = await Promise.all(children.map((child) => walk(child, base)));
  return files.flat();
}
