/**
 * The dataset of a run under way, kept on this machine until the run ends, so that a page that was killed can take it up again. Its
 * results are kept elsewhere, by batch; running again scores only what is missing. Nothing leaves the machine.
 */
import type { FeaturePlan } from '@/jobs/evaluation/feature-plan.ts';
import type { DraftMapping } from './evaluation-store.ts';
import { localStore } from './local-database.ts';

export interface KeptRun {
  readonly name: string;
  /** The file itself; a chosen file is copied by the browser, not through the page. */
  readonly blob: Blob;
  readonly mapping: DraftMapping;
  readonly limit: number | undefined;
  /** The model that scored it. */
  readonly modelId: string;
  /** The feature file to make of it; absent for a run that scores. */
  readonly plan?: FeaturePlan;
}

export interface RunStorage {
  read(): Promise<KeptRun | undefined>;
  write(run: KeptRun): Promise<void>;
  clear(): Promise<void>;
}

/** Folder of the origin's private file system that holds results by batch. */
export const RESULTS_FOLDER = 'evaluations';

/** One run at a time. */
const KEY = 'latest';

export function browserRunStorage(): RunStorage {
  const store = localStore('armoscope-evaluation', 'runs');
  return {
    read: async () => {
      const value = await store.get(KEY);
      return isKeptRun(value) ? value : undefined;
    },
    write: (run) => store.put(KEY, run),
    clear: () => store.remove([KEY]),
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
