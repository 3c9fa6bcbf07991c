/**
 * The dataset of a run under way, kept on this machine until the run ends, so that a page that was killed can take it up again. Its
 * results are kept elsewhere, by batch; running again scores only what is missing. Nothing leaves the machine.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { DraftMapping } from './evaluation-store.ts';

export interface KeptRun {
  readonly name: string;
  /** The file itself; a chosen file is copied by the browser, not through the page. */
  readonly blob: Blob;
  readonly mapping: DraftMapping;
  readonly limit: number | undefined;
  /** The model that scored it. */
  readonly modelId: string;
}

export interface RunStorage {
  read(): Promise<KeptRun | undefined>;
  write(run: KeptRun): Promise<void>;
  clear(): Promise<void>;
}

const DATABASE = 'armoscope-evaluation';
const STORE = 'runs';
/** One run at a time. */
const KEY = 'latest';

interface Schema extends DBSchema {
  [STORE]: { key: string; value: unknown };
}

/** Opened on first use. */
export function browserRunStorage(): RunStorage {
  let opening: Promise<IDBPDatabase<Schema>> | undefined;
  const database = () =>
    (opening ??= openDB<Schema>(DATABASE, 1, {
      upgrade: (created) => {
        created.createObjectStore(STORE);
      },
    }));
  return {
    read: async () => {
      const value = await (await database()).get(STORE, KEY);
      return isKeptRun(value) ? value : undefined;
    },
    write: async (run) => {
      await (await database()).put(STORE, run, KEY);
    },
    clear: async () => {
      await (await database()).delete(STORE, KEY);
    },
  };
}

/** What is read back was written by this page, perhaps by another version of it. */
function isKeptRun(value: unknown): value is KeptRun {
  if (typeof value !== 'object' || value === null) return false;
  const { name, blob, mapping, modelId } = value as Partial<Record<keyof KeptRun, unknown>>;
  return (
    typeof name === 'string' &&
    blob instanceof Blob &&
    typeof modelId === 'string' &&
    typeof mapping === 'object' &&
    mapping !== null &&
    'shape' in mapping
  );
}
