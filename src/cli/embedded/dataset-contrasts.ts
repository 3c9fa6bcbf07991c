/**
 * Chooses the answers that are spoiled, and puts their twins beside them. Pure: the drafts it is given are what it changes.
 */
import { CODE_CONTRASTS, codeContrast } from './code-contrasts.ts';
import type { CodeContrast } from './code-contrasts.ts';
import { proseContrast, PROSE_CONTRASTS, refusal } from './contrasts.ts';
import type { ProseContrast } from './contrasts.ts';
import type { Contrast, ContrastKind, Preference, Rating } from './dataset.ts';
import type { Split, Turn } from './records.ts';
import { contentHash, hashFraction, pick, seededRandom } from './seeded.ts';
import { RED_TEAM_SOURCES } from './source-quotas.ts';
import { codeBlocks, sentences } from './text-measures.ts';

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
/** Conversations are made of answers up to this length, in characters; of this share of them. */
const CONVERSATION_TEXT = 420;
const CONVERSATION_SHARE = 0.5;
/** How likely a prompt is the earlier one: the first that chance picks. */
const EARLIER_CHANCE = 0.05;
const SYSTEM_TURNS = [
  'You are a helpful assistant.',
  'You are a friendly and knowledgeable assistant. Answer the user’s questions.',
  'Answer politely, correctly and to the point.',
  'You help people with everyday questions.',
  'You are an expert who explains things clearly.',
  'Be concise and accurate.',
];

/** A group being put together. */
export interface Draft {
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

export function addResponse(draft: Draft, text: string): number {
  const trimmed = text.trim();
  const found = draft.responses.get(trimmed);
  if (found !== undefined) return found;
  const index = draft.responses.size;
  draft.responses.set(trimmed, index);
  return index;
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

function addContrast(draft: Draft, kind: ContrastKind, good: number, twin: string | undefined, extra = false): boolean {
  if (twin === undefined) return false;
  const index = addResponse(draft, twin);
  if (index === good) return false;
  draft.contrasts.push({ kind, good, twin: index, ...(extra ? { extra } : {}) });
  return true;
}

function addProseContrasts(bases: readonly Base[]): void {
  for (const base of bases) {
    const { draft, text, index } = base;
    const heldOut = draft.split !== 'train';
    const make = (kind: ProseContrast): boolean =>
      addContrast(draft, kind, index, proseContrast(kind, text, draft.key, heldOut));
    for (const [i, other] of otherAnswers(base, bases, 2).entries())
      addContrast(draft, 'off-topic', index, other, i > 0);
    make('terse');
    make('evasive');
    let left = OTHER_TWINS;
    const kinds = PROSE_CONTRASTS.filter((kind) => kind !== 'off-topic' && kind !== 'terse' && kind !== 'evasive');
    for (const kind of inHashOrder(kinds, draft.key)) if (left > 0 && make(kind)) left -= 1;
  }
}

function addCodeContrasts(bases: readonly Base[], prose: readonly Base[]): void {
  for (const base of bases) {
    const { draft, text, index } = base;
    const heldOut = draft.split !== 'train';
    const make = (kind: CodeContrast): boolean =>
      addContrast(draft, `code-${kind}`, index, codeContrast(kind, text, draft.key, undefined, heldOut));
    // Code can be missed altogether, too.
    make('talk');
    for (const kind of ['terse', 'evasive'] as const)
      addContrast(draft, kind, index, proseContrast(kind, text, draft.key, heldOut));
    for (const other of otherAnswers(base, prose, 1)) addContrast(draft, 'off-topic', index, other);
    for (const other of otherAnswers(base, bases, 1)) addContrast(draft, 'code-other-task', index, other);
    make('bare');
    let left = OTHER_CODE_TWINS;
    const kinds = CODE_CONTRASTS.filter((kind) => kind !== 'other-task' && kind !== 'bare' && kind !== 'talk');
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
    for (const other of otherAnswers(base, bases, TOPIC_TWINS))
      addContrast(base.draft, 'off-topic', base.index, other, true);
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

/**
 * Conversations: another prompt and its answer, then the prompt itself, half of them under a system turn. The twins are damage
 * that shows only against the last turn, and the earlier answer over again.
 * @returns new groups.
 */
function conversations(bases: readonly Base[]): Draft[] {
  const short = bases.filter(({ text }) => text.length <= CONVERSATION_TEXT);
  return short.flatMap((base): Draft[] => {
    const { draft, text } = base;
    const earlier = short.find(
      (other) =>
        other.draft.split === draft.split &&
        other.draft.key !== draft.key &&
        hashFraction('earlier', draft.key, other.draft.key) < EARLIER_CHANCE,
    );
    if (earlier === undefined || hashFraction('conversation', draft.key) > CONVERSATION_SHARE) return [];
    const heldOut = draft.split !== 'train';
    const random = seededRandom(`system:${draft.key}`);
    const prompt: Turn[] = [
      ...(random() < 0.5 ? [{ role: 'system' as const, content: pick(SYSTEM_TURNS, random) }] : []),
      ...earlier.draft.prompt.filter(({ role }) => role !== 'system'),
      { role: 'assistant', content: earlier.text },
      ...draft.prompt.filter(({ role }) => role !== 'system'),
    ];
    const made: Draft = {
      ...draft,
      key: contentHash(...prompt.flatMap((turn) => [turn.role, turn.content])),
      prompt,
      licences: new Set([...draft.licences, ...earlier.draft.licences]),
      responses: new Map(),
      ratings: [],
      preferences: [],
      contrasts: [],
      good: new Set(),
    };
    const good = addResponse(made, text);
    const seed = made.key;
    addContrast(made, 'off-topic', good, earlier.text);
    for (const other of otherAnswers(base, bases, 4).slice(2, 3)) addContrast(made, 'off-topic', good, other);
    for (const kind of ['terse', 'evasive', 'rude', 'truncated'] as const)
      addContrast(made, kind, good, proseContrast(kind, text, seed, heldOut));
    return [made];
  });
}

/** Puts twins beside the answers. @returns the conversations built of them, new groups. */
export function addContrasts(drafts: readonly Draft[]): Draft[] {
  const prose = chooseBases(drafts, false);
  addProseContrasts(prose);
  addCodeContrasts(chooseBases(drafts, true), prose);
  addTopicContrasts(drafts);
  addUnsafeContrasts(drafts);
  return conversations(prose);
}
