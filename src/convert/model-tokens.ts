/**
 * What a checkpoint's template and tokenizer say about a scored sequence: its BOS, its end of turn, and where the gate looks
 * (armorm.md I3, I7, I8). Derived by rendering small conversations, so that it holds for templates never seen before.
 */
import { FormatError } from '@/formats/errors.ts';
import type { GateRule, Manifest } from '@/formats/manifest.ts';

/** One message, as templates want it. */
export interface TemplateMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Template and tokenizer of one checkpoint; injected, as only `runtime` knows the libraries. */
export interface TextTools {
  /** The chat template over `messages`; whatever the template raises is thrown. */
  render(messages: readonly TemplateMessage[], addGenerationPrompt: boolean): string;
  /** Ids of a text; special tokens in it are read as such and none are added. */
  encode(text: string): readonly number[];
  /** Whether the id is a special (added) token. */
  isSpecial(id: number): boolean;
}

export interface ModelTokens {
  readonly rule: GateRule;
  readonly tokens: Manifest['tokens'];
}

/** ArmoRM's pattern, `<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n` in Llama-3's ids. */
const LLAMA3_GATE_IDS = [128009, 128006, 78191, 128007, 271];
const LLAMA3_GATE_TEXT = '<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n';

/** Words that no template holds, so that their places in a rendered text are certain. */
const ASKED = 'Quorvax asks';
const ANSWERED = 'Zelphin answers';

const TEMPLATE = 'tokenizer_config.json: chat_template';

/**
 * @param bosTokenId as `config.json` has it.
 * @throws FormatError naming the template when a sequence cannot be told apart into prompt, response and end.
 */
export function deriveModelTokens(
  text: TextTools,
  chatTemplate: string,
  options: { readonly bosTokenId: number | undefined; readonly sharedPromptGating: boolean },
): ModelTokens {
  const conversation: TemplateMessage[] = [
    { role: 'user', content: ASKED },
    { role: 'assistant', content: ANSWERED },
    { role: 'user', content: ASKED },
  ];
  const whole = render(text, [...conversation, { role: 'assistant', content: ANSWERED }], false);
  const ids = text.encode(whole);
  const bosId = deriveBos(ids, options.bosTokenId);
  const afterText = whole.slice(whole.lastIndexOf(ANSWERED) + ANSWERED.length);
  const afterAnswer = text.encode(afterText);
  // Some templates open the next answer although none is asked for: then the last special token is its header's (I7).
  const between = whole.slice(whole.lastIndexOf(ASKED) + ASKED.length, whole.lastIndexOf(ANSWERED));
  const opensNext = afterText.trim() === between.trim();
  const endOfTurnId = opensNext
    ? afterAnswer.find((id) => text.isSpecial(id))
    : ids.findLast((id) => text.isSpecial(id));
  if (endOfTurnId === undefined || !afterAnswer.includes(endOfTurnId))
    throw new FormatError(
      'unsupported',
      TEMPLATE,
      'writes no special token after a response, so its end cannot be told.',
    );
  return {
    rule: options.sharedPromptGating
      ? { kind: 'prompt-last-token' }
      : deriveGatePattern(text, conversation, whole, opensNext ? afterText : ''),
    tokens: { chatTemplate, ...(bosId === undefined ? {} : { bosId }), endOfTurnId },
  };
}

/** A token that opens every turn (SmolLM2's `<|im_start|>`) is no BOS, whatever the config calls it. */
function deriveBos(ids: readonly number[], bosTokenId: number | undefined): number | undefined {
  if (bosTokenId === undefined || ids[0] !== bosTokenId) return undefined;
  if (ids[1] === bosTokenId)
    throw new FormatError('unsupported', TEMPLATE, `writes the BOS token (id ${bosTokenId}) twice at the start.`);
  return ids.filter((id) => id === bosTokenId).length === 1 ? bosTokenId : undefined;
}

/**
 * The text between a user's words and the response: end of turn and assistant header. White space at its end is left out
 * where it merges with the first characters of a response into other tokens (armorm.md I8; SmolLM2's newline).
 * @param opened what a template that always opens the next answer writes after this one: it would show the pattern whatever the
 * response does.
 */
function deriveGatePattern(
  text: TextTools,
  conversation: readonly TemplateMessage[],
  whole: string,
  opened: string,
): GateRule {
  const begin = whole.lastIndexOf(ASKED) + ASKED.length;
  const end = whole.lastIndexOf(ANSWERED);
  const between = whole.slice(begin, end);
  if (begin < ASKED.length || end < begin || between.trim() === '')
    throw new FormatError(
      'unsupported',
      TEMPLATE,
      'puts nothing between a user turn and the response, so the gate has no place.',
    );
  const published = text.encode(LLAMA3_GATE_TEXT);
  if (between === LLAMA3_GATE_TEXT && sameIds(published, LLAMA3_GATE_IDS))
    return { kind: 'last-pattern', tokenIds: [...LLAMA3_GATE_IDS], text: LLAMA3_GATE_TEXT };
  // The longest candidate that survives every response wins.
  const candidates = [between, between.trimEnd()];
  for (const candidate of candidates) {
    const tokenIds = [...text.encode(candidate)];
    const survives = PROBES.every((response) => {
      // One turn alone: an earlier response would show the pattern whatever this one does.
      const rendered = render(text, [...conversation.slice(0, 1), { role: 'assistant', content: response }], false);
      return containsIds(text.encode(rendered.slice(0, rendered.length - opened.length)), tokenIds);
    });
    if (survives && tokenIds.some((id) => text.isSpecial(id)))
      return { kind: 'last-pattern', tokenIds, text: candidate };
  }
  throw new FormatError(
    'unsupported',
    TEMPLATE,
    `what it writes before a response, ${JSON.stringify(between)}, is not always the same tokens, so the gate has no place.`,
  );
}

/** Beginnings that merge with white space before them in some tokenizer. */
const PROBES = ['word', '\nline', '\n\nlines', '\n\n\nlines', ' space', '  spaces', '\tTab', '1', '.', '   \n'];

function render(text: TextTools, messages: readonly TemplateMessage[], addGenerationPrompt: boolean): string {
  try {
    return text.render(messages, addGenerationPrompt);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError('unsupported', TEMPLATE, `cannot render a conversation of user and assistant: ${reason}`);
  }
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

/** The pattern where it occurs last. */
function containsIds(ids: readonly number[], pattern: readonly number[]): boolean {
  for (let start = ids.length - pattern.length; start >= 0; start--)
    if (pattern.every((id, offset) => ids[start + offset] === id)) return true;
  return false;
}
