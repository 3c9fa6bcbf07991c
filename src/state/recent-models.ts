/**
 * Models that were opened, latest first, to be opened again. Addresses are remembered on this machine; a folder's files can be read
 * only as long as the page is open, so folders are remembered until then.
 */
import { create } from 'zustand';
import * as v from 'valibot';
import type { ModelChoice } from './model-choice.ts';

export interface RecentModel {
  readonly choice: Extract<ModelChoice, { readonly kind: 'url' | 'folder' }>;
  /** The package's own name and identity. */
  readonly name: string;
  readonly modelId: string;
  readonly bytes: number;
}

export const MOST_RECENT_MODELS = 8;

const storageKey = 'armoscope.recent-models';
const storedSchema = v.array(
  v.strictObject({
    url: v.pipe(v.string(), v.minLength(1), v.maxLength(4000)),
    name: v.pipe(v.string(), v.maxLength(200)),
    modelId: v.pipe(v.string(), v.maxLength(200)),
    bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
);

/** What was written before, as far as it can be read: nobody is bothered with a list that is broken. */
export function recentFromText(text: string | null): readonly RecentModel[] {
  if (text === null) return [];
  try {
    const parsed = v.safeParse(storedSchema, JSON.parse(text));
    if (!parsed.success) return [];
    return parsed.output
      .slice(0, MOST_RECENT_MODELS)
      .map(({ url, ...about }) => ({ choice: { kind: 'url', url }, ...about }));
  } catch {
    return [];
  }
}

export function recentToText(models: readonly RecentModel[]): string {
  return JSON.stringify(
    models.flatMap(({ choice, name, modelId, bytes }) =>
      choice.kind === 'url' ? [{ url: choice.url, name, modelId, bytes }] : [],
    ),
  );
}

function sameChoice(a: ModelChoice, b: ModelChoice): boolean {
  if (a.kind === 'url' && b.kind === 'url') return a.url === b.url;
  return a.kind === 'folder' && b.kind === 'folder' && a.folder === b.folder;
}

function readStored(): readonly RecentModel[] {
  try {
    return recentFromText(globalThis.localStorage.getItem(storageKey));
  } catch {
    // No storage here.
    return [];
  }
}

export const useRecentModels = create<{ readonly models: readonly RecentModel[] }>(() => ({ models: readStored() }));

function keep(models: readonly RecentModel[]): void {
  useRecentModels.setState({ models });
  try {
    globalThis.localStorage.setItem(storageKey, recentToText(models));
  } catch {
    // Then the list lasts until the page is closed.
  }
}

/** Puts a model that was loaded in front. The embedded one is always at hand, kept ones have their own list. */
export function rememberModel(choice: ModelChoice, about: Omit<RecentModel, 'choice'>): void {
  if (choice.kind === 'embedded' || choice.kind === 'kept') return;
  const others = useRecentModels.getState().models.filter((model) => !sameChoice(model.choice, choice));
  keep([{ choice, ...about }, ...others].slice(0, MOST_RECENT_MODELS));
}

export function forgetModel(choice: ModelChoice): void {
  keep(useRecentModels.getState().models.filter((model) => !sameChoice(model.choice, choice)));
}
