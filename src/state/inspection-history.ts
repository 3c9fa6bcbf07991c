/**
 * Inspections that were scored on this page, newest first, kept on this machine until they are deleted. Where the machine cannot
 * keep them (a private window, no space) they last as long as the page, and `problem` says so.
 */
import { create } from 'zustand';
import type { InspectionFile } from '@/formats/inspection-file.ts';
import type { HistoryStorage } from './history-storage.ts';
import { openInspection } from './inspection-exchange.ts';
import { trackWork } from './pending-work.ts';

export interface HistoryEntry {
  readonly id: string;
  readonly atMs: number;
  readonly file: InspectionFile;
}

export interface InspectionHistory {
  readonly entries: readonly HistoryEntry[];
  /** What was deleted last: it can be had back until the next deletion or the end of the visit. */
  readonly deleted: readonly HistoryEntry[];
  /** Why something could not be kept, read or opened, in words. */
  readonly problem: string | undefined;
}

/** More are of no use in a list, and each takes some tens of kilobytes. */
export const MAX_HISTORY = 200;

const initial: InspectionHistory = { entries: [], deleted: [], problem: undefined };
export const useInspectionHistory = create<InspectionHistory>(() => initial);

let storage: HistoryStorage | undefined;
let loading: Promise<void> | undefined;

/** Starts over with another place to keep things: for tests. */
export function resetHistory(place: HistoryStorage): void {
  storage = place;
  loading = undefined;
  useInspectionHistory.setState(initial, true);
}

/** The browser's storage; its code is fetched when it is first needed. */
async function place(): Promise<HistoryStorage> {
  const { browserHistoryStorage } = await import('./history-storage.ts');
  storage ??= browserHistoryStorage();
  return storage;
}

/** Reads what this machine keeps, once. */
export function loadHistory(): Promise<void> {
  loading ??= trackWork(
    keep(async () => {
      const known = await (storage ?? (await place())).list();
      show((entries) => [...entries, ...known.filter(({ id }) => entries.every((entry) => entry.id !== id))]);
    }),
  );
  return loading;
}

/** Adds an inspection unless it repeats the latest one. `atMs`: time of day. */
export async function addToHistory(file: InspectionFile, atMs: number): Promise<void> {
  await loadHistory();
  const { entries } = useInspectionHistory.getState();
  const [latest] = entries;
  if (latest !== undefined && sameInspection(latest.file, file)) return;
  const entry: HistoryEntry = { id: newId(atMs), atMs, file };
  const overdue = entries.slice(MAX_HISTORY - 1);
  show((all) => [entry, ...all].slice(0, MAX_HISTORY));
  await keep(async () => {
    const at = storage ?? (await place());
    await at.put(entry);
    if (overdue.length > 0) await at.remove(overdue.map(({ id }) => id));
  });
}

/** Deletes entries; `undoDelete` brings them back. */
export async function deleteFromHistory(ids: readonly string[]): Promise<void> {
  const gone = new Set(ids);
  const deleted = useInspectionHistory.getState().entries.filter(({ id }) => gone.has(id));
  show((entries) => entries.filter(({ id }) => !gone.has(id)));
  useInspectionHistory.setState({ deleted });
  await keep(async () => (storage ?? (await place())).remove(ids));
}

/** Brings back what was deleted last. */
export async function undoDelete(): Promise<void> {
  const { deleted } = useInspectionHistory.getState();
  useInspectionHistory.setState({ deleted: [] });
  show((entries) => [...entries, ...deleted]);
  await keep(async () => {
    const at = storage ?? (await place());
    for (const entry of deleted) await at.put(entry);
  });
}

/** Puts an entry on the page with its results. One that another version wrote and this one cannot show is told as a problem. */
export async function openFromHistory(id: string): Promise<boolean> {
  const entry = useInspectionHistory.getState().entries.find((each) => each.id === id);
  if (entry === undefined) return false;
  try {
    const { checkInspectionFile } = await trackWork(import('@/formats/inspection-file.ts'));
    openInspection(checkInspectionFile(entry.file, 'This entry'), { kind: 'history', id });
    return true;
  } catch (cause) {
    useInspectionHistory.setState({ problem: cause instanceof Error ? cause.message : String(cause) });
    return false;
  }
}

function show(change: (entries: readonly HistoryEntry[]) => readonly HistoryEntry[]): void {
  useInspectionHistory.setState(({ entries }) => ({
    entries: [...change(entries)].sort((a, b) => b.atMs - a.atMs),
  }));
}

/** Runs something with the storage; where that fails, the page goes on and says why. */
async function keep(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const quota = cause instanceof Error && cause.name === 'QuotaExceededError';
    const why = cause instanceof Error ? cause.message : String(cause);
    useInspectionHistory.setState({
      problem: quota
        ? 'This browser has no space left for the history: inspections last until the page is closed. Delete some of them.'
        : `This browser does not keep the history, as in a private window: inspections last until the page is closed. (${why})`,
    });
  }
}

function sameInspection(a: InspectionFile, b: InspectionFile): boolean {
  return (
    a.model.manifest.id === b.model.manifest.id &&
    a.model.provider === b.model.provider &&
    JSON.stringify(a.conversation) === JSON.stringify(b.conversation)
  );
}

/** `crypto.randomUUID` is there on secure origins only. */
function newId(atMs: number): string {
  return `${atMs}-${Math.random().toString(36).slice(2, 10)}`;
}
