/**
 * Which layout a dataset has, by its columns and a few records, and the mapping that reads it; for an unknown one, a first
 * guess to correct by hand.
 */
import { isJsonObject } from '../json-file.ts';
import { columnsNamed, requiredColumns } from './column-mapping.ts';
import type { ColumnMapping, RecordShape } from './column-mapping.ts';
import { isTranscript } from './hh-transcript.ts';

export type LayoutName =
  | 'reward-bench'
  | 'rm-bench'
  | 'hh-rlhf'
  | 'ultrafeedback'
  | 'helpsteer'
  | 'openai-messages'
  | 'openai-preference'
  | 'pairs'
  | 'responses'
  | 'mapped';

export interface RecognisedLayout {
  readonly layout: LayoutName;
  readonly mapping: ColumnMapping;
}

type Value = Readonly<Record<string, unknown>>;

/** Columns in the order of their first appearance in the samples. */
export function columnsOf(samples: readonly Value[]): string[] {
  return [...new Set(samples.flatMap((sample) => Object.keys(sample)))];
}

/** @returns undefined for a layout that is none of ours: ask for a mapping. `samples`: the first records of the file. */
export function recogniseLayout(samples: readonly Value[]): RecognisedLayout | undefined {
  const columns = columnsOf(samples);
  const has = (...names: readonly string[]): boolean => names.every((name) => columns.includes(name));
  const first = (...names: readonly string[]): string | undefined => names.find((name) => columns.includes(name));
  // By majority: a few bad records must not hide what the file is.
  const mostly = (name: string, test: (value: unknown) => boolean): boolean => {
    const values = samples.map((sample) => sample[name]).filter((value) => value !== undefined && value !== null);
    return 2 * values.filter(test).length > values.length;
  };
  const common = defined({
    id: first('id', 'uid', 'uuid', 'prompt_id'),
    subset: first('subset', 'domain', 'category'),
    section: first('section'),
    system: first('system', 'system_prompt'),
  });
  const found = (layout: LayoutName, mapping: ColumnMapping): RecognisedLayout => ({
    layout,
    mapping: { ...common, ...mapping },
  });

  if (has('input', 'preferred_output', 'non_preferred_output'))
    return found('openai-preference', {
      shape: 'preference',
      prompt: 'input',
      chosen: 'preferred_output',
      rejected: 'non_preferred_output',
    });
  if (has('chosen', 'rejected')) {
    if (!has('prompt') && mostly('chosen', isTranscript))
      return found('hh-rlhf', { shape: 'transcripts', chosen: 'chosen', rejected: 'rejected' });
    if (has('prompt') && mostly('chosen', isThreeTexts) && mostly('rejected', isThreeTexts))
      return found('rm-bench', { shape: 'styles', prompt: 'prompt', chosen: 'chosen', rejected: 'rejected' });
    const pair: ColumnMapping = {
      shape: 'pair',
      chosen: 'chosen',
      rejected: 'rejected',
      ...defined({
        prompt: first('prompt', 'messages', 'instruction', 'question'),
        chosenLabel: first('score_chosen', 'chosen_score', 'chosen_rating'),
        rejectedLabel: first('score_rejected', 'rejected_score', 'rejected_rating'),
      }),
    };
    return found(has('prompt', 'subset') ? 'reward-bench' : 'pairs', pair);
  }
  const prompt = first('prompt', 'instruction', 'question');
  if (prompt !== undefined && has('completions'))
    return found('ultrafeedback', { shape: 'responses', prompt, response: 'completions', ...source(columns, common) });
  if (has('prompt', 'response', 'helpfulness'))
    return found('helpsteer', { shape: 'response', prompt: 'prompt', response: 'response', label: 'helpfulness' });
  const label = first('label', 'score', 'rating');
  const list = first('responses', 'candidates', 'answers', 'generations');
  if (prompt !== undefined && list !== undefined)
    return found('responses', {
      shape: 'responses',
      prompt,
      response: list,
      ...defined({ label: first('labels', 'scores', 'ratings') ?? label }),
    });
  const response = first('response', 'output', 'completion', 'answer');
  const asked = prompt ?? (response === undefined ? undefined : first('messages'));
  if (asked !== undefined && response !== undefined)
    return found('responses', {
      shape: 'response',
      prompt: asked,
      response,
      ...defined({ label, group: first('group') }),
    });
  const messages = first('messages', 'conversation', 'conversations');
  if (messages !== undefined && mostly(messages, isMessages))
    return found('openai-messages', {
      shape: 'conversation',
      response: messages,
      ...defined({ label, group: first('group', 'prompt_id') }),
    });
  return undefined;
}

/** UltraFeedback names where a prompt came from `source`. */
function source(columns: readonly string[], { subset }: Partial<ColumnMapping>): Partial<ColumnMapping> {
  return subset === undefined && columns.includes('source') ? { subset: 'source' } : {};
}

function isThreeTexts(value: unknown): boolean {
  const list = typeof value === 'string' ? parsedList(value) : value;
  return Array.isArray(list) && list.length === 3 && list.every((text) => typeof text === 'string');
}

function isMessages(value: unknown): boolean {
  const list = typeof value === 'string' ? parsedList(value) : value;
  return Array.isArray(list) && list.length > 0 && list.every((entry) => isJsonObject(entry) && 'role' in entry);
}

function parsedList(text: string): unknown {
  try {
    return text.trimStart().startsWith('[') ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

/** The object without its undefined members. */
function defined<T extends Readonly<Record<string, string | undefined>>>(
  members: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in members) {
    const value = members[key];
    if (value !== undefined) Object.assign(result, { [key]: value });
  }
  return result;
}

/** Names that columns of each kind have, without case and separators; earlier ones are more telling. */
const synonyms = {
  prompt: 'prompt question query instruction problem input context user userprompt request task source',
  chosen: 'chosen preferred better winner accepted positive good best correct goodresponse responsechosen',
  rejected: 'rejected dispreferred nonpreferred worse loser negative bad worst incorrect badresponse responserejected',
  response: 'response answer output completion generation reply candidate responses answers completions outputs',
  label: 'label score rating quality reward overall overallscore grade helpfulness',
  subset: 'subset category domain dataset type source',
  section: 'section split',
  id: 'id uid uuid promptid index key',
  system: 'system systemprompt',
  group: 'group promptid questionid',
} as const;

export interface SuggestedMapping {
  readonly columns: readonly string[];
  /** As far as it could be guessed; a whole mapping once `missingColumns` finds nothing. */
  readonly mapping: Partial<ColumnMapping> & { readonly shape: RecordShape };
}

/** A first guess for a file of an unknown layout, by the names and contents of its columns. */
export function suggestMapping(samples: readonly Value[]): SuggestedMapping {
  const columns = columnsOf(samples);
  const taken = new Set<string>();
  const pick = (kind: keyof typeof synonyms, test: (column: string) => boolean = () => true): string | undefined => {
    for (const synonym of synonyms[kind].split(' ')) {
      const found = columns.find((name) => !taken.has(name) && plain(name) === synonym && test(name));
      if (found === undefined) continue;
      taken.add(found);
      return found;
    }
    return undefined;
  };
  const holds = (test: (value: unknown) => boolean) => (name: string) =>
    samples.some((sample) => test(sample[name])) &&
    samples.every((sample) => sample[name] === undefined || sample[name] === null || test(sample[name]));
  const isText = holds((value) => typeof value === 'string' && Number.isNaN(Number(value)));
  const isTextLike = holds((value) => typeof value === 'string' || isMessages(value) || Array.isArray(value));
  const isNumber = holds((value) => value !== '' && Number.isFinite(Number(value)));

  const chosen = pick('chosen', isTextLike);
  const rejected = pick('rejected', isTextLike);
  const id = pick('id');
  const label = pick('label', isNumber);
  const prompt = pick('prompt', isTextLike) ?? mostText(samples, columns, taken, isText, 'shortest');
  const response =
    chosen !== undefined && rejected !== undefined
      ? undefined
      : (pick('response', isTextLike) ?? mostText(samples, columns, taken, isText, 'longest'));
  const isList = response !== undefined && holds((value) => Array.isArray(value) && !isMessages(value))(response);
  const shape: RecordShape =
    chosen !== undefined && rejected !== undefined
      ? holds(isTranscript)(chosen)
        ? 'transcripts'
        : 'pair'
      : isList
        ? 'responses'
        : response !== undefined && prompt === undefined && holds(isMessages)(response)
          ? 'conversation'
          : 'response';
  const rest = {
    subset: pick('subset'),
    section: pick('section'),
    system: pick('system', isText),
    group: pick('group'),
  };
  return {
    columns,
    mapping: { shape, ...defined({ prompt, chosen, rejected, response, label, id, ...rest }) },
  };
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Of the text columns not yet taken, the one with the most or the least text; undefined when there are not two to tell apart. */
function mostText(
  samples: readonly Value[],
  columns: readonly string[],
  taken: Set<string>,
  isText: (column: string) => boolean,
  which: 'longest' | 'shortest',
): string | undefined {
  const free = columns.filter((name) => !taken.has(name) && isText(name));
  const length = (value: unknown): number => (typeof value === 'string' ? value.length : 0);
  const size = (name: string): number => samples.reduce((sum, sample) => sum + length(sample[name]), 0);
  const sorted = free.toSorted((a, b) => size(b) - size(a));
  const found = which === 'longest' ? sorted[0] : sorted.length > 1 ? sorted.at(-1) : undefined;
  if (found !== undefined) taken.add(found);
  return found;
}

/** What a mapping still lacks, or names though the file has no such column. */
export function missingColumns(
  mapping: Partial<ColumnMapping> & { readonly shape: RecordShape },
  columns: readonly string[],
): (keyof ColumnMapping)[] {
  const required = requiredColumns[mapping.shape].filter((key) => mapping[key] === undefined);
  const absent = columnsNamed(mapping).filter(([, column]) => !columns.includes(column));
  const isKey = (key: string): key is keyof ColumnMapping => key in mapping;
  return [...new Set([...required, ...absent.map(([key]) => key).filter(isKey)])];
}
