/**
 * Chooses what the embedded model's heads are trained and judged on: groups of responses to one prompt, the ratings and
 * preferences known about them, and the built contrasts. Deterministic in the records alone.
 *
 * Groups come in an order in which every prefix holds about the same mixture of sources, so that extraction may stop at a
 * token budget without losing a kind of data.
 */
import { contentHash, hashFraction } from './seeded.ts';
import { codeContrast, CODE_CONTRASTS } from './code-contrasts.ts';
import type { CodeContrast } from './code-contrasts.ts';
import { proseContrast, PROSE_CONTRASTS } from './contrasts.ts';
import type { ProseContrast } from './contrasts.ts';
import type { PreferenceRecord, RatingRecord, Split, Turn } from './records.ts';
import { splitOf } from './records.ts';
import { codeBlocks, sentences } from './text-measures.ts';

export type ContrastKind = ProseContrast | `code-${CodeContrast}`;

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

/** Longest prompt and response together, in characters: what surely fits 512 tokens is decided by the tokenizer later. */
const CHARACTER_LIMIT = 1400;
/** Sources with few short examples get more room. */
const CHARACTER_LIMITS: ReadonlyMap<string, number> = new Map([
  ['nemo_steerlm', 2300],
  ['prometheus_bench', 2300],
  ['helpsteer2_sample', 2300],
]);

/** Most pairs a source may bring. Absent: none. */
const PREFERENCE_QUOTAS: ReadonlyMap<string, number> = new Map([
  ['ultrafeedback_subset', 400],
  ['dpo_mix', 300],
  ['hh_harmless', 300],
  ['tulu_human', 300],
  ['pandalm', 350],
  ['vicunabench', 160],
  ['prometheus_bench', 160],
  ['truthfulqa_judge', 350],
  ['ifbench_arm', 90],
  ['tulu3_if_sample', 60],
  ['gsm8k_solutions', 60],
  ['ilf_mbpp', 160],
]);

/** Most pairs of one prompt from one source. */
const PAIRS_PER_PROMPT = 3;

/** Most rated responses a source may bring, and most for one prompt. Absent: none. */
const RATING_QUOTAS: ReadonlyMap<string, readonly [responses: number, perPrompt: number]> = new Map([
  ['nemo_steerlm', [320, 4]],
  ['helpsteer2_sample', [6, 4]],
  ['ultrafeedback_subset', [700, 4]],
  ['arena_bench_v1', [500, 3]],
  ['mtbench_single', [200, 4]],
  ['vicunabench', [200, 4]],
  ['prometheus_bench', [300, 4]],
  ['gptfuzz', [400, 7]],
  ['jailbreakbench', [260, 2]],
  ['dices', [240, 2]],
  ['diasafety', [500, 2]],
  ['truthfulqa_judge', [1800, 4]],
  ['gsm8k_solutions', [120, 2]],
  ['summedits', [120, 4]],
  ['factool', [120, 2]],
  ['recipes', [42, 5]],
  ['bigcodebench_pass', [170, 2]],
  ['ilf_mbpp', [312, 2]],
  ['tulu_human', [400, 3]],
  ['dpo_mix', [450, 3]],
]);

const PROSE_BASES = 480;
const CODE_BASES = 190;
/** Twins of one base besides `off-topic` / `other-task`, which every base gets. */
const OTHER_TWINS = 5;

interface Draft {
  readonly key: string;
  readonly prompt: readonly Turn[];
  readonly split: Split;
  readonly source: string;
  readonly licences: Set<string>;
  readonly responses: Map<string, number>;
  readonly ratings: Rating[];
  readonly preferences: Preference[];
  readonly contrasts: Contrast[];
  /** Responses a contrast may start from. */
  readonly good: Set<number>;
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

/** A response rated this high (in [0, 1]), or preferred by these sources, is good enough to spoil. */
const GOOD_RATINGS: ReadonlyMap<string, number> = new Map([
  ['ultrafeedback-overall_score', 0.75],
  ['arena_bench-overall_quality', 0.75],
  ['mtbench-overall_quality', 0.85],
  ['vicunabench-overall_quality', 0.7],
  ['tulu_human-acceptable', 0.99],
  ['kto_mix-desirable', 0.99],
  ['nemo_steerlm-helpfulness', 0.75],
  ['prometheus-score', 0.75],
  ['bigcodebench-correct', 0],
  ['mbpp-correct', 0.99],
]);
const GOOD_CHOSEN = new Set(['ultrafeedback_subset', 'dpo_mix', 'tulu_human', 'vicunabench']);

/** Chooses groups from the records; see the quotas above. The result does not depend on the order of the records. */
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
  addContrasts([...drafts.values()]);
  return inMixedOrder([...drafts.values()]);
}

function addResponse(draft: Draft, text: string): number {
  const trimmed = text.trim();
  const found = draft.responses.get(trimmed);
  if (found !== undefined) return found;
  const index = draft.responses.size;
  draft.responses.set(trimmed, index);
  return index;
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
    const count = taken.get(source) ?? 0;
    if (count >= (PREFERENCE_QUOTAS.get(source) ?? 0)) continue;
    if (!usable(source, prompt, chosen) || !usable(source, prompt, rejected)) continue;
    if (chosen.trim() === rejected.trim()) continue;
    const promptKey = `${source} ${record.splitKey}`;
    const countOfPrompt = perPrompt.get(promptKey) ?? 0;
    if (countOfPrompt >= PAIRS_PER_PROMPT) continue;
    perPrompt.set(promptKey, countOfPrompt + 1);
    taken.set(source, count + 1);
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

interface Base {
  readonly draft: Draft;
  readonly text: string;
  readonly index: number;
}

function chooseBases(drafts: readonly Draft[], code: boolean): Base[] {
  const bases: Base[] = [];
  for (const draft of drafts) {
    const promptLength = draft.prompt.reduce((sum, turn) => sum + turn.content.length, 0);
    if (promptLength > (code ? 700 : 450)) continue;
    const candidates = [...draft.responses].filter(([text, index]) => {
      if (!draft.good.has(index)) return false;
      const blocks = codeBlocks(text);
      if (code)
        return (
          blocks.length > 0 && text.length <= 1000 && blocks.join('\n').split('\n').length >= 6 && text.length >= 160
        );
      return blocks.length === 0 && text.length >= 180 && text.length <= 700 && sentences(text).length >= 4;
    });
    const chosen = candidates.sort(([a], [b]) => hashFraction('base', a) - hashFraction('base', b))[0];
    if (chosen !== undefined) bases.push({ draft, text: chosen[0], index: chosen[1] });
  }
  return bases
    .sort((a, b) => hashFraction('bases', a.draft.key) - hashFraction('bases', b.draft.key))
    .slice(0, code ? CODE_BASES : PROSE_BASES);
}

/** The base of the same split, but another prompt, whose answer is nearest in length among eight. */
function otherAnswer(base: Base, bases: readonly Base[]): string | undefined {
  return bases
    .filter((other) => other.draft.split === base.draft.split && other.draft.key !== base.draft.key)
    .map((other) => ({ other, at: hashFraction('other', base.draft.key, other.draft.key) }))
    .sort((a, b) => a.at - b.at)
    .slice(0, 8)
    .map(({ other }) => other.text)
    .sort((a, b) => Math.abs(a.length - base.text.length) - Math.abs(b.length - base.text.length))[0];
}

function addContrasts(drafts: readonly Draft[]): void {
  const prose = chooseBases(drafts, false);
  const code = chooseBases(drafts, true);
  const add = (base: Base, kind: ContrastKind, twin: string | undefined): boolean => {
    if (twin === undefined || twin.trim() === base.text) return false;
    base.draft.contrasts.push({ kind, good: base.index, twin: addResponse(base.draft, twin) });
    return true;
  };
  const inOrder = <T extends string>(kinds: readonly T[], key: string): T[] =>
    [...kinds].sort((a, b) => hashFraction('kind', a, key) - hashFraction('kind', b, key));
  for (const base of prose) {
    const heldOut = base.draft.split !== 'train';
    add(base, 'off-topic', otherAnswer(base, prose));
    let left = OTHER_TWINS;
    for (const kind of inOrder(PROSE_CONTRASTS, base.draft.key)) {
      if (kind === 'off-topic' || left === 0) continue;
      if (add(base, kind, proseContrast(kind, base.text, base.draft.key, heldOut))) left -= 1;
    }
  }
  for (const base of code) {
    add(base, 'code-other-task', otherAnswer(base, code));
    for (const kind of CODE_CONTRASTS)
      if (kind !== 'other-task') add(base, `code-${kind}`, codeContrast(kind, base.text, base.draft.key));
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
  placed.sort((a, b) => a.at - b.at || (a.draft.key < b.draft.key ? -1 : 1));
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
