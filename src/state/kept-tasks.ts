/** What this tab is doing to kept packages, and what it came to: until the page is closed, whatever view is shown. */
import { create } from 'zustand';
import type { JobErrorData } from '@/jobs/api/job-error.ts';

export interface KeptTask {
  readonly id: number;
  readonly kind: 'save' | 'verify' | 'convert';
  /** The package's folder here, or its address or folder elsewhere while no more is known. */
  readonly target: string;
  readonly cancel: () => void;
}

export interface KeptOutcome {
  readonly target: string;
  readonly error?: JobErrorData;
  readonly message?: string;
}

interface KeptTasks {
  readonly tasks: readonly KeptTask[];
  readonly outcomes: readonly KeptOutcome[];
}

export const useKeptTasks = create<KeptTasks>(() => ({ tasks: [], outcomes: [] }));

let nextId = 1;

/** Shows a task until the returned function is called. */
export function beginTask(task: Omit<KeptTask, 'id'>): () => void {
  const id = nextId++;
  useKeptTasks.setState(({ tasks }) => ({ tasks: [...tasks, { id, ...task }] }));
  return () => useKeptTasks.setState(({ tasks }) => ({ tasks: tasks.filter((each) => each.id !== id) }));
}

/** Says what a task came to; `undefined` takes it back. */
export function settle(target: string, outcome: Omit<KeptOutcome, 'target'> | undefined): void {
  useKeptTasks.setState(({ outcomes }) => ({
    outcomes: [
      ...outcomes.filter((each) => each.target !== target),
      ...(outcome === undefined ? [] : [{ target, ...outcome }]),
    ],
  }));
}

export function dismissOutcome(target: string): void {
  settle(target, undefined);
}
