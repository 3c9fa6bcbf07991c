/** Reader of a checkpoint's `tokenizer_config.json` and chat template, in every form transformers writes them. */
import type { FileSet } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isJsonObject, readJsonFile, readTextFile } from './json-file.ts';

export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
export const CHAT_TEMPLATE_FILE = 'chat_template.jinja';
const MAX_CONFIG_BYTES = 4_000_000;

/** What the tokenizer's own files say about text around the tokens. */
export interface CheckpointTokenizerConfig {
  /** Jinja source of the default chat template. */
  readonly chatTemplate: string;
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
}

/**
 * Reads `tokenizer_config.json` and the chat template: the file `chat_template.jinja` where there is one (as transformers
 * prefers), else the key `chat_template`, a text or a list of named templates of which `default` counts.
 * @throws FormatError naming the key; a checkpoint without a template cannot be scored (armorm.md I7).
 */
export async function readTokenizerConfig(files: FileSet, signal?: AbortSignal): Promise<CheckpointTokenizerConfig> {
  const source = await files.open(TOKENIZER_CONFIG_FILE, signal);
  if (source === undefined)
    throw new FormatError('missing-file', TOKENIZER_CONFIG_FILE, `${files.name} does not have this file.`);
  const value = await readJsonFile(source, MAX_CONFIG_BYTES, signal);
  if (!isJsonObject(value)) throw new FormatError('malformed', TOKENIZER_CONFIG_FILE, 'must be a JSON object.');
  const templateFile = await files.open(CHAT_TEMPLATE_FILE, signal);
  const chatTemplate =
    templateFile === undefined
      ? parseChatTemplate(value['chat_template'])
      : await readTextFile(templateFile, MAX_CONFIG_BYTES, signal);
  return {
    chatTemplate,
    bosToken: tokenText(value['bos_token'], 'bos_token'),
    eosToken: tokenText(value['eos_token'], 'eos_token'),
  };
}

function parseChatTemplate(value: unknown): string {
  const where = `${TOKENIZER_CONFIG_FILE}: chat_template`;
  if (typeof value === 'string') return value;
  if (value === undefined || value === null)
    throw new FormatError(
      'malformed',
      where,
      'is missing, and a reward model can only be asked in its own template.',
      `Add the template the model was trained with as ${CHAT_TEMPLATE_FILE}.`,
    );
  if (!Array.isArray(value)) throw new FormatError('malformed', where, 'must be a text or a list of named templates.');
  const names: string[] = [];
  for (const [i, entry] of value.entries()) {
    if (!isJsonObject(entry) || typeof entry['name'] !== 'string' || typeof entry['template'] !== 'string')
      throw new FormatError('malformed', `${where}[${i}]`, 'must be an object with the texts name and template.');
    if (entry['name'] === 'default') return entry['template'];
    names.push(entry['name']);
  }
  throw new FormatError(
    'malformed',
    where,
    `has no template named "default" among: ${names.join(', ').slice(0, 200)}.`,
  );
}

/** A special token as a text or as `{ "content": … }`. */
function tokenText(value: unknown, key: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = isJsonObject(value) ? value['content'] : value;
  if (typeof text !== 'string')
    throw new FormatError(
      'malformed',
      `${TOKENIZER_CONFIG_FILE}: ${key}`,
      `must be a token's text, not ${JSON.stringify(value)?.slice(0, 80)}.`,
    );
  return text;
}
