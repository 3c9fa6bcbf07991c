/**
 * Chooses what the embedded model's heads are trained and judged on: groups of responses to one prompt, the ratings and
 * preferences known about them, and the built contrasts. Deterministic in the records alone.
 *
 * Groups come in an order in which every prefix holds about the same mixture of sources (of the judged prompts, which come
 * first, then of the training prompts), so that extraction may stop at a token budget without losing a kind of data.
 */
import { addContrasts, addResponse } from './dataset-contrasts.ts';
import type { Draft } from './dataset-contrasts.ts';
import type { CodeContrast } from './code-contrasts.ts';
import type { ProseContrast } from './contrasts.ts';
import { contentHash } from './seeded.ts';
import type { PreferenceRecord, RatingRecord, Split, Turn } from './records.ts';
import { splitOf } from './records.ts';
import {
  CHARACTER_LIMIT,
  CHARACTER_LIMITS,
  GOOD_CHOSEN,
  GOOD_RATINGS,
  JUDGED_PREFERENCE_QUOTAS,
  PAIRS_PER_PROMPT,
  PREFERENCE_QUOTAS,
  RATING_QUOTAS,
} from './source-quotas.ts';

/** `unsafe`: a harmful request's unsafe answer beside a refusal we wrote; the others spoil a good answer. */
export type ContrastKind = ProseContrast | `code-${CodeContrast}` | 'unsafe';

export interface Rating {
  readonly response: number;
  readonly name: string;
  /** In [0, 1] of the rating's own scale. */
  readonly value: number;
}

export interface Preference {
  readonly chosen: number;
  readonly rejected: number;
  readonly source: string;
  readonly subset: string;
}

export interface Contrast {
  readonly kind: ContrastKind;
  readonly good: number;
  readonly twin: number;
  /**
   * An additional off-topic twin, there to teach the topic: a second one of the same answer, or one of a short answer that gets
   * no other twin. Reported beside the contrasts, not among them, or this one kind would be half of all.
   */
  readonly extra?: true;
}

/** All responses to one prompt; indices in `ratings`, `preferences` and `contrasts` point into `responses`. */
export interface Group {
  /** Hash of the conversation. */
  readonly key: string;
  readonly prompt: readonly Turn[];
  readonly split: Split;
  /** The source that brought the prompt first. */
  readonly source: string;
  readonly licences: ReadonlySet<string>;
  readonly responses: readonly string[];
  readonly ratings: readonly Rating[];
  readonly preferences: readonly Preference[];
  readonly contrasts: readonly Contrast[];
}

function tidy(prompt: readonly Turn[]): Turn[] {
  return prompt.map((turn) => ({ role: turn.role, content: turn.content.trim() }));
}

function usable(source: string, prompt: readonly Turn[], response: string): boolean {
  const text = [...prompt.map((turn) => turn.content), response];
  const length = text.reduce((sum, part) => sum + part.length, 0);
  return (
    prompt.at(-1)?.role === 'user' &&
    text.every((part) => part.trim() !== '') &&
    length <= (CHARACTER_LIMITS.get(source) ?? CHARACTER_LIMIT) &&
    // Text that holds the template's own tokens would move the gate (armorm.md I8).
    !text.some((part) => part.includes('<|'))
  );
}

/** Chooses groups from the records; see `source-quotas.ts`. The result does not depend on the order of the records. */
export function buildDataset(ratings: readonly RatingRecord[], preferences: readonly PreferenceRecord[]): Group[] {
  const drafts = new Map<string, Draft>();
  const draftOf = (record: RatingRecord | PreferenceRecord): Draft => {
    const prompt = tidy(record.prompt);
    const key = contentHash(...prompt.flatMap((turn) => [turn.role, turn.content]));
    let draft = drafts.get(key);
    if (draft === undefined) {
      draft = {
        key,
        prompt,
        split: splitOf(record.splitKey),
        source: record.source,
        licences: new Set(),
        responses: new Map(),
        ratings: [],
        preferences: [],
        contrasts: [],
        good: new Set(),
      };
      drafts.set(key, draft);
    }
    draft.licences.add(`${record.source}: ${record.licence}`);
    return draft;
  };
  takePreferences(preferences, draftOf);
  takeRatings(ratings, draftOf);
  const conversations = addContrasts([...drafts.values()]);
  return inMixedOrder([...drafts.values(), ...conversations]);
}

function byHash<T extends { readonly id: string }>(records: readonly T[]): T[] {
  return records
    .map((record) => ({ record, at: contentHash('order', record.id) }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ record }) => record);
}

function takePreferences(records: readonly PreferenceRecord[], draftOf: (record: PreferenceRecord) => Draft): void {
  const taken = new Map<string, number>();
  const perPrompt = new Map<string, number>();
  for (const record of byHash(records)) {
    const { source, prompt, chosen, rejected } = record;
    const split = splitOf(record.splitKey);
    const quota = PREFERENCE_QUOTAS.get(source) ?? 0;
    const judged = JUDGED_PREFERENCE_QUOTAS.get(source) ?? Number.POSITIVE_INFINITY;
    const countKey = `${source} ${split}`;
    const count = taken.get(countKey) ?? 0;
    if (count >= (split === 'train' || quota === 0 ? quota : judged)) continue;
    if (!usable(source, prompt, chosen) || !usable(source, prompt, rejected)) continue;
    if (chosen.trim() === rejected.trim()) continue;
    const promptKey = `${source} ${record.splitKey}`;
    const countOfPrompt = perPrompt.get(promptKey) ?? 0;
    if (countOfPrompt >= PAIRS_PER_PROMPT) continue;
    perPrompt.set(promptKey, countOfPrompt + 1);
    taken.set(countKey, count + 1);
    const draft = draftOf(record);
    const better = addResponse(draft, chosen);
    const worse = addResponse(draft, rejected);
    draft.preferences.push({ chosen: better, rejected: worse, source, subset: record.subset });
    if (GOOD_CHOSEN.has(source)) draft.good.add(better);
  }
}

function takeRatings(records: readonly RatingRecord[], draftOf: (record: RatingRecord) => Draft): void {
  const taken = new Map<string, number>();
  const perPrompt = new Map<string, number>();
  const add = (record: RatingRecord): void => {
    const draft = draftOf(record);
    const response = addResponse(draft, record.response);
    for (const [name, value] of record.ratings) {
      draft.ratings.push({ response, name, value });
      if (value >= (GOOD_RATINGS.get(name) ?? 2)) draft.good.add(response);
    }
  };
  for (const record of byHash(records)) {
    const { source, prompt, response } = record;
    if (!usable(source, prompt, response)) continue;
    const [responses, each] = RATING_QUOTAS.get(source) ?? [0, 0];
    const count = taken.get(source) ?? 0;
    const promptKey = `${source} ${record.splitKey}`;
    const countOfPrompt = perPrompt.get(promptKey) ?? 0;
    if (count >= responses || countOfPrompt >= each) continue;
    taken.set(source, count + 1);
    perPrompt.set(promptKey, countOfPrompt + 1);
    add(record);
  }
}

function inMixedOrder(drafts: readonly Draft[]): Group[] {
  const bySource = new Map<string, Draft[]>();
  for (const draft of drafts) {
    // Groups with contrasts are a class of their own: they carry most tokens.
    const label = `${draft.source}${draft.contrasts.length > 0 ? ' with contrasts' : ''}`;
    const list = bySource.get(label);
    if (list === undefined) bySource.set(label, [draft]);
    else list.push(draft);
  }
  const placed: { readonly draft: Draft; readonly at: number }[] = [];
  for (const list of bySource.values()) {
    list.sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const [rank, draft] of list.entries()) placed.push({ draft, at: (rank + 0.5) / list.length });
  }
  // Judged prompts come first, so that a smaller budget costs training data before it widens an interval.
  // Then what is rarest: conversations and code.
  const rare = ({ prompt, contrasts }: Draft): boolean =>
    contrasts.some(({ kind }) => kind.startsWith('code-')) || (prompt.length > 2 && contrasts.length > 0);
  const rank = (draft: Draft): number => (draft.split === 'train' ? (rare(draft) ? 1 : 2) : 0);
  placed.sort((a, b) => rank(a.draft) - rank(b.draft) || a.at - b.at || (a.draft.key < b.draft.key ? -1 : 1));
  return placed.map(({ draft }) => ({
    key: draft.key,
    prompt: draft.prompt,
    split: draft.split,
    source: draft.source,
    licences: draft.licences,
    responses: [...draft.responses.keys()],
    ratings: draft.ratings,
    preferences: draft.preferences,
    contrasts: draft.contrasts,
  }));
}
