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
import { proseContrast, PROSE_CONTRASTS, refusal } from './contrasts.ts';
import type { ProseContrast } from './contrasts.ts';
import type { PreferenceRecord, RatingRecord, Split, Turn } from './records.ts';
import { splitOf } from './records.ts';
import { codeBlocks, sentences } from './text-measures.ts';

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
/** Sources with few short examples, or with pairs of long ones, get more room. */
const CHARACTER_LIMITS: ReadonlyMap<string, number> = new Map([
  ['nemo_steerlm', 2300],
  ['prometheus_bench', 2300],
  ['helpsteer2_sample', 2300],
  ['ultrafeedback_subset', 1700],
  ['dpo_mix', 1700],
  ['ifbench_arm', 1500],
  ['tulu_human', 1700],
  ['tulu3_if_sample', 2300],
]);

/** Most training pairs a source may bring. Absent: none. */
const PREFERENCE_QUOTAS: ReadonlyMap<string, number> = new Map([
  ['ultrafeedback_subset', 220],
  ['dpo_mix', 180],
  ['hh_harmless', 220],
  ['tulu_human', 180],
  ['pandalm', 220],
  ['vicunabench', 160],
  ['prometheus_bench', 160],
  ['truthfulqa_judge', 280],
  ['ifbench_arm', 90],
  ['tulu3_if_sample', 60],
  ['gsm8k_solutions', 40],
  ['ilf_mbpp', 160],
]);
/** Dev and test pairs: all that fit, so that intervals are narrow, except of sources whose pairs are all of one kind. */
const JUDGED_PREFERENCE_QUOTAS: ReadonlyMap<string, number> = new Map([['gsm8k_solutions', 20]]);

/** Most pairs of one prompt from one source. */
const PAIRS_PER_PROMPT = 4;

/** Most rated responses a source may bring, and most for one prompt. Absent: none. */
const RATING_QUOTAS: ReadonlyMap<string, readonly [responses: number, perPrompt: number]> = new Map([
  ['nemo_steerlm', [320, 4]],
  ['helpsteer2_sample', [6, 4]],
  ['ultrafeedback_subset', [400, 3]],
  ['arena_bench_v1', [260, 2]],
  ['mtbench_single', [110, 2]],
  ['vicunabench', [110, 3]],
  ['prometheus_bench', [300, 4]],
  ['gptfuzz', [300, 6]],
  ['jailbreakbench', [330, 4]],
  ['dices', [170, 2]],
  ['diasafety', [420, 2]],
  ['truthfulqa_judge', [1000, 3]],
  ['gsm8k_solutions', [60, 2]],
  ['summedits', [40, 4]],
  ['factool', [120, 2]],
  ['bigcodebench_pass', [200, 2]],
  ['ilf_mbpp', [312, 2]],
  ['tulu_human', [140, 2]],
  ['dpo_mix', [300, 3]],
]);

/** Answers that get twins of several kinds. */
const PROSE_BASES = 1000;
const CODE_BASES = 240;
/** Twins of one prose base besides `off-topic`, which every base gets twice, `terse` and `evasive`. */
const OTHER_TWINS = 4;
/** Twins of one code base besides `code-other-task` and `code-bare`. */
const OTHER_CODE_TWINS = 3;
/** Off-topic twins of the prompts whose answer is no base: short texts that teach nothing but the topic. */
const TOPIC_TWINS = 2;
/** One base in this many may be long. */
const LONG_EVERY = 6;

/** Prompts that ask for harm. */
const RED_TEAM_SOURCES = new Set(['gptfuzz', 'jailbreakbench']);

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
  // Good enough for their topic.
  ['truthfulqa-informative', 0.99],
  ['gsm8k-correct', 0.99],
  ['factool-factual', 0.99],
]);
const GOOD_CHOSEN = new Set([
  'ultrafeedback_subset',
  'dpo_mix',
  'tulu_human',
  'vicunabench',
  'pandalm',
  'ifbench_arm',
  'prometheus_bench',
]);

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

interface Base {
  readonly draft: Draft;
  readonly text: string;
  readonly index: number;
}

/** Whether the twins of this prompt are worth their tokens: short, mostly. */
function isProseBase(prompt: string, text: string): boolean {
  const long = hashFraction('long', text) < 1 / LONG_EVERY;
  return (
    prompt.length <= 450 && text.length >= 140 && text.length <= (long ? 1100 : 520) && sentences(text).length >= 3
  );
}

function isCodeBase(prompt: string, text: string, code: readonly string[]): boolean {
  const lines = code.join('\n').split('\n').length;
  return (
    prompt.length <= 750 && text.length >= 140 && text.length <= (proseOf(text).length >= 60 ? 1300 : 700) && lines >= 5
  );
}

function proseOf(text: string): string {
  return text.replace(/```[^\n]*\n[\s\S]*?(?:```|$)/g, '').trim();
}

function chooseBases(drafts: readonly Draft[], code: boolean): Base[] {
  const bases: Base[] = [];
  for (const draft of drafts) {
    const prompt = draft.prompt.map((turn) => turn.content).join('\n');
    const candidates = [...draft.responses].filter(([text, index]) => {
      if (!draft.good.has(index)) return false;
      const blocks = codeBlocks(text);
      return code
        ? blocks.length > 0 && isCodeBase(prompt, text, blocks)
        : blocks.length === 0 && isProseBase(prompt, text);
    });
    const chosen = candidates.sort(([a], [b]) => hashFraction('base', a) - hashFraction('base', b))[0];
    if (chosen !== undefined) bases.push({ draft, text: chosen[0], index: chosen[1] });
  }
  // Code with words beside it is rare, and only it can be stripped of them: it goes first.
  const rank = ({ draft, text }: Base): number =>
    hashFraction('bases', draft.key) - (code && proseOf(text).length >= 60 ? 1 : 0);
  return bases.sort((a, b) => rank(a) - rank(b)).slice(0, code ? CODE_BASES : PROSE_BASES);
}

/** Of 24 other prompts' answers of the same split, the `count` nearest in length. */
function otherAnswers(base: Base, bases: readonly Base[], count: number): string[] {
  return bases
    .filter((other) => other.draft.split === base.draft.split && other.draft.key !== base.draft.key)
    .map((other) => ({ other, at: hashFraction('other', base.draft.key, other.draft.key) }))
    .sort((a, b) => a.at - b.at)
    .slice(0, 24)
    .map(({ other }) => other.text)
    .sort((a, b) => Math.abs(a.length - base.text.length) - Math.abs(b.length - base.text.length))
    .slice(0, count);
}

function addContrast(draft: Draft, kind: ContrastKind, good: number, twin: string | undefined): boolean {
  if (twin === undefined) return false;
  const index = addResponse(draft, twin);
  if (index === good) return false;
  draft.contrasts.push({ kind, good, twin: index });
  return true;
}

function addProseContrasts(bases: readonly Base[]): void {
  for (const base of bases) {
    const { draft, text, index } = base;
    const heldOut = draft.split !== 'train';
    const make = (kind: ProseContrast): boolean =>
      addContrast(draft, kind, index, proseContrast(kind, text, draft.key, heldOut));
    for (const other of otherAnswers(base, bases, 2)) addContrast(draft, 'off-topic', index, other);
    make('terse');
    make('evasive');
    let left = OTHER_TWINS;
    const kinds = PROSE_CONTRASTS.filter((kind) => kind !== 'off-topic' && kind !== 'terse' && kind !== 'evasive');
    for (const kind of inHashOrder(kinds, draft.key)) if (left > 0 && make(kind)) left -= 1;
  }
}

function addCodeContrasts(bases: readonly Base[]): void {
  for (const base of bases) {
    const { draft, text, index } = base;
    const make = (kind: CodeContrast): boolean =>
      addContrast(draft, `code-${kind}`, index, codeContrast(kind, text, draft.key));
    for (const other of otherAnswers(base, bases, 1)) addContrast(draft, 'code-other-task', index, other);
    make('bare');
    let left = OTHER_CODE_TWINS;
    const kinds = CODE_CONTRASTS.filter((kind) => kind !== 'other-task' && kind !== 'bare');
    for (const kind of inHashOrder(kinds, draft.key)) if (left > 0 && make(kind)) left -= 1;
  }
}

function inHashOrder<T extends string>(kinds: readonly T[], key: string): T[] {
  return [...kinds].sort((a, b) => hashFraction('kind', a, key) - hashFraction('kind', b, key));
}

/** Off-topic twins of good answers that are no base: of 20 to 520 characters, whatever their form. */
function addTopicContrasts(drafts: readonly Draft[]): void {
  const bases = drafts.flatMap((draft): Base[] => {
    if (draft.contrasts.length > 0) return [];
    const found = [...draft.responses].find(
      ([text, index]) =>
        draft.good.has(index) && text.length >= 20 && text.length <= 520 && codeBlocks(text).length === 0,
    );
    return found === undefined ? [] : [{ draft, text: found[0], index: found[1] }];
  });
  for (const base of bases)
    for (const other of otherAnswers(base, bases, TOPIC_TWINS)) addContrast(base.draft, 'off-topic', base.index, other);
}

/** A refusal we wrote beside an answer that was rated unsafe, on prompts of the red-team sources. */
function addUnsafeContrasts(drafts: readonly Draft[]): void {
  for (const draft of drafts) {
    if (!RED_TEAM_SOURCES.has(draft.source)) continue;
    const unsafe = draft.ratings.filter(({ name, value }) => name.endsWith('-is_safe') && value === 0);
    const [first] = unsafe;
    if (first === undefined) continue;
    const good = addResponse(draft, refusal(draft.key, draft.split !== 'train'));
    for (const { response } of unsafe.slice(0, 3)) draft.contrasts.push({ kind: 'unsafe', good, twin: response });
  }
}

function addContrasts(drafts: readonly Draft[]): void {
  addProseContrasts(chooseBases(drafts, false));
  addCodeContrasts(chooseBases(drafts, true));
  addTopicContrasts(drafts);
  addUnsafeContrasts(drafts);
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
