/**
 * From a conversation and a response to the ids the model reads, and where in them the gate looks (armorm.md I3, I7-I9).
 *
 * The package's own template and tokenizer; special tokens in contents are read as special tokens, as the authors'
 * `apply_chat_template(tokenize=True)` reads them. Invariants of every `EncodedResponse`: exactly one BOS where the family
 * has one, at index 0; no generation prompt at the end; the last id is the end-of-turn token; the gate reads before the response.
 */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { EngineError } from '@/engine/api/errors.ts';
import type { Message, ScoreWarning } from '@/engine/api/messages.ts';
import type { GateRule, Manifest } from '@/formats/manifest.ts';
import { renderTemplate } from './render-template.ts';

export interface EncodedResponse {
  /** The whole sequence the model reads for this response. */
  readonly tokenIds: Int32Array;
  /** Index of the token the gate reads: in `gateTokenIds` where there is one, else in `tokenIds`. */
  readonly gateIndex: number;
  /**
   * The rendered prompt, when the gate reads its last token and that token is not in `tokenIds` (its newline merged with
   * the response's first characters).
   */
  readonly gateTokenIds?: Int32Array;
  /** The last token. */
  readonly scoredIndex: number;
  /** First token that is not the prompt's: after the assistant header. */
  readonly responseStart: number;
  /** What the template wrote after the response's end of turn, cut from `tokenIds`; white space for most. */
  readonly cutText: string;
  /** Where a search in the whole sequence finds the gate's marker last, −1 for nowhere; absent for a rule without a marker. */
  readonly searchedGateIndex?: number;
  /** Whether the first token is the one tokenizer_config.json calls BOS; absent where it names none. */
  readonly startsWithNamedBos?: boolean;
  readonly warnings: readonly ScoreWarning[];
}

/** What of a manifest this file reads. */
export type TokenizerManifest = {
  readonly tokens: Manifest['tokens'];
  readonly gate: { readonly rule: GateRule };
  readonly architecture: Pick<Manifest['architecture'], 'maxPositions' | 'vocabSize'>;
};

export class ChatTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #template: Template;
  readonly #manifest: TokenizerManifest;
  /** Texts of the special tokens a template may name: `bos_token`, `eos_token`, … */
  readonly #variables: Readonly<Record<string, string>>;
  readonly #addedTokens: ReadonlyMap<number, string>;

  /**
   * @param tokenizerJson parsed `tokenizer.json`. @param tokenizerConfig parsed `tokenizer_config.json`.
   * @throws EngineError `bad-package` when one of them or the template cannot be used.
   */
  constructor(manifest: TokenizerManifest, tokenizerJson: unknown, tokenizerConfig: unknown) {
    if (!isRecord(tokenizerJson)) throw badPackage('tokenizer.json is not a JSON object.');
    if (!isRecord(tokenizerConfig)) throw badPackage('tokenizer_config.json is not a JSON object.');
    this.#manifest = manifest;
    try {
      this.#tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
    } catch (error) {
      throw badPackage(`tokenizer.json cannot be used: ${messageOf(error)}`);
    }
    try {
      this.#template = new Template(manifest.tokens.chatTemplate);
    } catch (error) {
      throw badPackage(`the manifest's chat template cannot be read: ${messageOf(error)}`);
    }
    this.#variables = namedSpecialTokens(tokenizerConfig);
    this.#addedTokens = new Map(
      [...this.#tokenizer.get_added_tokens_decoder()].map(([id, token]) => [id, token.content]),
    );
  }

  /**
   * @param messages the conversation before the response; the last message is the user's.
   * @throws EngineError `bad-input` (a conversation the model cannot read), `too-long` (more tokens than the model has
   * positions; never truncated), `bad-package` (a template or tokenizer that breaks I7).
   */
  encode(messages: readonly Message[], response: string): EncodedResponse {
    const last = messages.at(-1);
    if (last === undefined) throw badInput('The conversation is empty: it needs at least one message of the user.');
    if (last.role !== 'user') {
      throw badInput(`The last message before the response must be the user's, but it is the ${last.role}'s.`);
    }
    const { tokenIds, cutText, renderedText } = this.#sequence(messages, response);
    this.#assertOneBos(tokenIds);

    const promptIds = this.#ids(this.#render(messages, true));
    // A header whose last newline merges with the response's first ones: the merged token counts as the response's.
    const responseStart = commonPrefixLength(tokenIds, promptIds);
    this.#assertLength(tokenIds.length, responseStart);
    const gate = this.#gatePosition(tokenIds, promptIds, responseStart);
    if (gate.gateTokenIds === undefined && gate.gateIndex >= responseStart) {
      throw badPackage(`the gate's token (${gate.gateIndex}) does not lie before the response (${responseStart}).`);
    }

    const searchedGateIndex = this.#searchGate(tokenIds);
    const warnings = [
      ...hijackWarnings(searchedGateIndex, gate.gateIndex),
      ...this.#specialTextWarnings(messages, response),
    ];
    if (cutText.trim() !== '') {
      warnings.push({
        code: 'template',
        message: `The package's template writes ${JSON.stringify(cutText)} after the response's end of turn; it was left out.`,
      });
    }
    if (!renderedText.includes(response)) {
      warnings.push({
        code: 'whitespace',
        message:
          'The template changes the response, usually by trimming white space at its ends; the model reads the changed text.',
      });
    } else if (responseStart < promptIds.length) {
      warnings.push({
        code: 'whitespace',
        message: 'The start of the response merges with the end of the assistant header into one token.',
      });
    }
    const namedBos = this.#variables['bos_token'];
    return {
      tokenIds,
      ...gate,
      scoredIndex: tokenIds.length - 1,
      responseStart,
      cutText,
      ...(searchedGateIndex === undefined ? {} : { searchedGateIndex }),
      ...(namedBos === undefined ? {} : { startsWithNamedBos: this.textOf(tokenIds[0] ?? 0) === namedBos }),
      warnings,
    };
  }

  /** Text of one token, for people: special tokens as their names, part of a character as U+FFFD. */
  textOf(tokenId: number): string {
    return this.#addedTokens.get(tokenId) ?? this.#tokenizer.decode([tokenId], { skip_special_tokens: false });
  }

  /** The ids up to the last end-of-turn token, and what the template wrote after it. */
  #sequence(messages: readonly Message[], response: string) {
    const renderedText = this.#render([...messages, { role: 'assistant', content: response }], false);
    const whole = this.#ids(renderedText);
    const { endOfTurnId } = this.#manifest.tokens;
    const end = whole.lastIndexOf(endOfTurnId);
    if (end < 0) throw badPackage(`the template writes no end-of-turn token (id ${endOfTurnId}).`);
    const cutText = [...whole.subarray(end + 1)].map((id) => this.textOf(id)).join('');
    return { tokenIds: whole.slice(0, end + 1), cutText, renderedText };
  }

  #render(messages: readonly Message[], addGenerationPrompt: boolean): string {
    try {
      return renderTemplate(this.#template, messages, {
        ...this.#variables,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      throw badInput(`The package's chat template refuses this conversation: ${messageOf(error)}`);
    }
  }

  #ids(text: string): Int32Array {
    // The template writes the special tokens itself; letting the tokenizer add its own would give a second BOS.
    const ids = Int32Array.from(this.#tokenizer.encode(text, { add_special_tokens: false }).ids);
    const { vocabSize } = this.#manifest.architecture;
    const outside = ids.find((id) => id < 0 || id >= vocabSize);
    if (outside !== undefined) {
      throw badPackage(`tokenizer.json gives id ${outside}, but the model has only ${vocabSize} embedding rows.`);
    }
    return ids;
  }

  #assertOneBos(tokenIds: Int32Array): void {
    const { bosId } = this.#manifest.tokens;
    if (bosId === undefined) return;
    const count = tokenIds.reduce((sum, id) => sum + (id === bosId ? 1 : 0), 0);
    if (tokenIds[0] !== bosId) throw badPackage(`the template does not start with the BOS token (id ${bosId}).`);
    if (count !== 1) {
      throw badInput(
        `The sequence holds ${count} BOS tokens (${this.textOf(bosId)}), but the model was trained with one. ` +
          'Remove the special token from the text.',
      );
    }
  }

  #assertLength(total: number, prompt: number): void {
    const { maxPositions } = this.#manifest.architecture;
    if (total <= maxPositions) return;
    throw new EngineError({
      code: 'too-long',
      message:
        `Prompt (${prompt} tokens) and response (${total - prompt} tokens) make ${total} tokens, ` +
        `but the model reads at most ${maxPositions}. Shorten one by ${total - maxPositions} tokens; nothing is cut silently.`,
    });
  }

  /** From the message structure, not from a search in the whole sequence, which a response's text could mislead (I8). */
  #gatePosition(
    tokenIds: Int32Array,
    promptIds: Int32Array,
    shared: number,
  ): { gateIndex: number; gateTokenIds?: Int32Array } {
    const rule = this.#manifest.gate.rule;
    if (rule.kind === 'prompt-last-token') {
      const gateIndex = promptIds.length - 1;
      return shared === promptIds.length ? { gateIndex } : { gateIndex, gateTokenIds: promptIds };
    }
    // The last match in the prompt alone is the header that the generation prompt wrote.
    const gateIndex = lastMatch(promptIds, rule.tokenIds);
    if (gateIndex < 0) {
      throw badPackage(`the gate's token pattern [${rule.tokenIds.join(', ')}] does not occur in the rendered prompt.`);
    }
    if (gateIndex + rule.tokenIds.length > shared) {
      // The pattern's end may merge with the response's first characters, but the position itself must be the prompt's.
      if (gateIndex >= shared || !startsWithAt(tokenIds, rule.tokenIds, gateIndex)) {
        throw badPackage(
          `the gate's token pattern [${rule.tokenIds.join(', ')}] is not where the conversation's structure puts it ` +
            `(index ${gateIndex}).`,
        );
      }
    }
    return { gateIndex };
  }

  #searchGate(tokenIds: Int32Array): number | undefined {
    const { rule } = this.#manifest.gate;
    return rule.kind === 'last-pattern' ? lastMatch(tokenIds, rule.tokenIds) : undefined;
  }

  #specialTextWarnings(messages: readonly Message[], response: string): ScoreWarning[] {
    const texts = [...messages.map(({ content }) => content), response];
    const found = [...this.#addedTokens.values()].filter((special) => texts.some((text) => text.includes(special)));
    if (found.length === 0) return [];
    const named = found.slice(0, 3).join(', ') + (found.length > 3 ? ', …' : '');
    return [{ code: 'template', message: `The text holds special tokens (${named}); the model reads them as such.` }];
  }
}

function hijackWarnings(searched: number | undefined, gateIndex: number): ScoreWarning[] {
  if (searched === undefined || searched === gateIndex) return [];
  return [
    {
      code: 'gate-hijack',
      message:
        `The response's text holds the gate's token pattern: a search for its last match would let the gate read token ` +
        `${searched}, inside the response. The position from the conversation's structure, ${gateIndex}, was used.`,
    },
  ];
}

/** Index where `pattern` starts for the last time, or −1. */
function lastMatch(ids: Int32Array, pattern: readonly number[]): number {
  for (let start = ids.length - pattern.length; start >= 0; start--) {
    if (startsWithAt(ids, pattern, start)) return start;
  }
  return -1;
}

function startsWithAt(ids: Int32Array, pattern: readonly number[], start: number): boolean {
  return pattern.every((id, offset) => ids[start + offset] === id);
}

/** Number of leading tokens that two sequences share. */
export function commonPrefixLength(a: Int32Array, b: Int32Array): number {
  const shorter = Math.min(a.length, b.length);
  let length = 0;
  while (length < shorter && a[length] === b[length]) length++;
  return length;
}

const specialTokenKeys = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** `bos_token` and its kin from tokenizer_config.json, where a token is a string or an object with `content`. */
function namedSpecialTokens(config: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const key of specialTokenKeys) {
    const value = config[key];
    const text = isRecord(value) ? value['content'] : value;
    if (typeof text === 'string') tokens[key] = text;
  }
  return tokens;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function badInput(message: string): EngineError {
  return new EngineError({ code: 'bad-input', message });
}

function badPackage(what: string): EngineError {
  return new EngineError({
    code: 'bad-package',
    message: `The package's tokenizer does not fit its model: ${what} Convert the model again with its own tokenizer files.`,
  });
}
