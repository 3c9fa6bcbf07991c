/**
 * Named variants of a model's head: parts that stand in for the model's own (a trained regression, gate or transform), or a
 * steering laid over it. Made in Steer, Debias and Train, kept on this machine, followed by every view (`queries/active-head.ts`).
 *
 * Invariants: a variant belongs to one model id and has that model's objectives; the model's own head is never changed and is
 * always one choice away; names are unique within a model. The store holds descriptions; the arrays lie beside it.
 */
import { create } from 'zustand';
import { assertReplacement, type HeadReplacement } from '@/core/head-replacement.ts';
import type { Steering } from '@/core/steering.ts';
import { trackWork } from './pending-work.ts';
import { browserVariantStorage, type VariantStorage } from './variant-storage.ts';

/** What makes it differ from the model's own head: for the reader, the parts say it in full. */
export type HeadVariantKind = 'steered' | 'trained' | 'transform';

/** A variant as it is described; serialisable. */
export interface HeadVariantSummary {
  readonly id: string;
  /** Package id of the model it belongs to. */
  readonly modelId: string;
  readonly name: string;
  readonly kind: HeadVariantKind;
  /** Where it came from, in one sentence. */
  readonly note: string;
  readonly createdAtMs: number;
  /** k and d of the model: what its arrays must fit. */
  readonly objectives: number;
  readonly featureSize: number;
}

export interface HeadVariant extends HeadVariantSummary {
  /** Parts that stand in for the model's own. */
  readonly replacement: HeadReplacement;
  /** Laid over them; absent: nothing is steered. */
  readonly steering?: Steering;
}

/** What a maker of variants gives; the rest is found here. */
export type HeadVariantDraft = Omit<HeadVariant, 'id' | 'createdAtMs'>;

export interface HeadVariantsState {
  /** Of all models, oldest first. */
  readonly variants: readonly HeadVariantSummary[];
  /** The variant in force, by model id; absent: the model's own head. Not kept: every visit begins with the model's own. */
  readonly activeIds: Readonly<Record<string, string>>;
  /** Why variants cannot be kept on this machine, in words; they last as long as the page, then. */
  readonly storageProblem: string | undefined;
}

const initial: HeadVariantsState = { variants: [], activeIds: {}, storageProblem: undefined };

export const useHeadVariants = create<HeadVariantsState>(() => initial);

const parts = new Map<string, HeadVariant>();
let storage: VariantStorage = browserVariantStorage();
let loading: Promise<void> | undefined;

/** Another place to keep variants in, and an empty store: for tests. */
export function resetHeadVariants(place: VariantStorage): void {
  storage = place;
  loading = undefined;
  parts.clear();
  useHeadVariants.setState(initial, true);
}

/** Reads what this machine keeps, once. Variants whose arrays do not fit what they say of themselves are left out. */
export function loadHeadVariants(): Promise<void> {
  loading ??= trackWork(
    (async () => {
      try {
        for (const variant of await storage.list()) if (!parts.has(variant.id) && isSound(variant)) add(variant);
      } catch (cause) {
        reportStorageProblem(cause);
      }
    })(),
  );
  return loading;
}

/** The variant with its arrays. */
export function headVariant(id: string): HeadVariant | undefined {
  return parts.get(id);
}

/**
 * Keeps a new variant; a name that is taken gets a number. It is not in force until `activateVariant`.
 * Where this machine cannot keep it, it lasts as long as the page and `storageProblem` says why.
 * @throws AssertionError when a part does not fit the model, or holds a number that is not finite.
 */
export async function saveHeadVariant(draft: HeadVariantDraft): Promise<HeadVariantSummary> {
  assertReplacement(draft.replacement, draft.objectives, draft.featureSize);
  await loadHeadVariants();
  const variant: HeadVariant = {
    ...draft,
    name: freeName(draft.name.trim() || 'Unnamed head', draft.modelId),
    id: crypto.randomUUID(),
    // Later than every other, so that their order holds whatever the clock does.
    createdAtMs: Math.max(Date.now(), 1 + Math.max(0, ...[...parts.values()].map((each) => each.createdAtMs))),
  };
  add(variant);
  await keep(() => storage.put(variant));
  return summaryOf(variant);
}

/** Puts a variant in force for its model; `undefined`: the model's own head again. */
export function activateVariant(modelId: string, id: string | undefined): void {
  useHeadVariants.setState(({ activeIds }) => {
    const { [modelId]: _, ...others } = activeIds;
    return { activeIds: id === undefined ? others : { ...others, [modelId]: id } };
  });
}

export async function renameHeadVariant(id: string, name: string): Promise<void> {
  const variant = parts.get(id);
  if (variant === undefined || name.trim() === '' || name.trim() === variant.name) return;
  const renamed = { ...variant, name: freeName(name.trim(), variant.modelId) };
  parts.set(id, renamed);
  useHeadVariants.setState(({ variants }) => ({
    variants: variants.map((each) => (each.id === id ? summaryOf(renamed) : each)),
  }));
  await keep(() => storage.put(renamed));
}

/** Deletes a variant. @returns the way to take that back. */
export async function removeHeadVariant(id: string): Promise<() => Promise<void>> {
  const variant = parts.get(id);
  if (variant === undefined) return () => Promise.resolve();
  const wasActive = useHeadVariants.getState().activeIds[variant.modelId] === id;
  parts.delete(id);
  if (wasActive) activateVariant(variant.modelId, undefined);
  useHeadVariants.setState(({ variants }) => ({ variants: variants.filter((each) => each.id !== id) }));
  await keep(() => storage.remove(id));
  return async () => {
    add(variant);
    if (wasActive) activateVariant(variant.modelId, id);
    await keep(() => storage.put(variant));
  };
}

/** Variants of one model, oldest first. */
export function variantsOf(state: HeadVariantsState, modelId: string): readonly HeadVariantSummary[] {
  return state.variants.filter((variant) => variant.modelId === modelId);
}

function add(variant: HeadVariant): void {
  parts.set(variant.id, variant);
  useHeadVariants.setState(({ variants }) => ({
    variants: [...variants.filter(({ id }) => id !== variant.id), summaryOf(variant)].sort(
      (a, b) => a.createdAtMs - b.createdAtMs,
    ),
  }));
}

function summaryOf({ replacement: _replacement, steering: _steering, ...summary }: HeadVariant): HeadVariantSummary {
  return summary;
}

function isSound(variant: HeadVariant): boolean {
  try {
    assertReplacement(variant.replacement, variant.objectives, variant.featureSize);
    return true;
  } catch {
    return false;
  }
}

function freeName(wanted: string, modelId: string): string {
  const taken = new Set(variantsOf(useHeadVariants.getState(), modelId).map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted} (${number})`;
  return name;
}

async function keep(write: () => Promise<void>): Promise<void> {
  try {
    await trackWork(write());
  } catch (cause) {
    reportStorageProblem(cause);
  }
}

function reportStorageProblem(cause: unknown): void {
  const reason = cause instanceof Error ? cause.message : String(cause);
  useHeadVariants.setState({
    storageProblem: `Head variants cannot be kept on this machine (${reason}). They last until this page is closed.`,
  });
}
