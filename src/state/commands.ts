/**
 * What can be done right now, by name: the command palette lists it, `?` lists its keys. The shell registers what always holds;
 * a view registers its own while it is shown, with `useCommands`.
 *
 * Kept outside the stores: a command is a function, and stores are serialisable.
 */
import { useEffect, useSyncExternalStore } from 'react';

export interface Command {
  /** Unique, e.g. `inspect.score`. */
  readonly id: string;
  /** Heading it is listed under, e.g. the view's name. */
  readonly group: string;
  /** What it does, as an order: `Score the responses`. */
  readonly label: string;
  readonly description?: string;
  /** Further words by which it is found. */
  readonly keywords?: string;
  /** See `shortcut-keys.ts`. Plain ones (without `mod`) are not heard while text is typed. */
  readonly shortcut?: string;
  /** True where a control of the view hears the shortcut itself: then it is only listed. */
  readonly handlesShortcut?: boolean;
  readonly run: () => void;
}

const sets = new Map<object, readonly Command[]>();
const listeners = new Set<() => void>();
let list: readonly Command[] = [];

function changed(): void {
  list = [...sets.values()].flat();
  for (const listener of listeners) listener();
}

/** Adds commands; returns the way to take them back. A later command replaces an earlier one with its id. */
export function registerCommands(commands: readonly Command[]): () => void {
  const key = {};
  sets.set(key, commands);
  changed();
  return () => {
    if (sets.delete(key)) changed();
  };
}

/** Every command, in the order of registration. */
export function allCommands(): readonly Command[] {
  const byId = new Map(list.map((command) => [command.id, command]));
  return [...byId.values()];
}

/** Registers commands while the component is shown. Keep the array's identity (a constant, `useMemo`) where it does not change. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => registerCommands(commands), [commands]);
}

/** Changes when commands come or go. */
export function useCommandList(): readonly Command[] {
  useSyncExternalStore(subscribe, snapshot, snapshot);
  return allCommands();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
function snapshot(): readonly Command[] {
  return list;
}

export interface FoundGroup {
  readonly group: string;
  readonly commands: readonly Command[];
}

/**
 * Commands whose words hold every word of the query, grouped; those whose label begins with it first. An empty query finds all.
 */
export function findCommands(commands: readonly Command[], query: string): readonly FoundGroup[] {
  const plain = query.trim().toLowerCase();
  const words = plain.split(/\s+/);
  const ranked = commands
    .flatMap((command) => {
      const label = command.label.toLowerCase();
      const text = `${label} ${command.group} ${command.description ?? ''} ${command.keywords ?? ''}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) return [];
      return [{ command, rank: label.startsWith(plain) ? 0 : label.includes(plain) ? 1 : 2 }];
    })
    .sort((a, b) => a.rank - b.rank);
  const groups = new Map<string, Command[]>();
  for (const { command } of ranked) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  return [...groups].map(([group, members]) => ({ group, commands: members }));
}
