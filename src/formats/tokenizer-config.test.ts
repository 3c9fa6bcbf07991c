import { describe, expect, it } from 'vitest';
import { memoryFileSet } from './memory-source.ts';
import { readTokenizerConfig } from './tokenizer-config.ts';

const read = (config: unknown, jinja?: string) =>
  readTokenizerConfig(
    memoryFileSet(
      'folder',
      new Map([
        ...(config === undefined ? [] : [['tokenizer_config.json', JSON.stringify(config)] as const]),
        ...(jinja === undefined ? [] : [['chat_template.jinja', jinja] as const]),
      ]),
    ),
  );

describe('readTokenizerConfig', () => {
  it('finds the template in each of its three places', async () => {
    expect(await read({ chat_template: 'A', bos_token: '<s>', eos_token: { content: '</s>' } })).toEqual({
      chatTemplate: 'A',
      bosToken: '<s>',
      eosToken: '</s>',
    });
    const named = [
      { name: 'tool_use', template: 'T' },
      { name: 'default', template: 'D' },
    ];
    expect(await read({ chat_template: named, bos_token: null })).toEqual({
      chatTemplate: 'D',
      bosToken: undefined,
      eosToken: undefined,
    });
    expect((await read({ chat_template: 'A' }, 'J')).chatTemplate).toBe('J');
    expect((await read({}, 'J\n')).chatTemplate).toBe('J\n');
  });

  it.each([
    [undefined, 'tokenizer_config.json: folder does not have this file.'],
    [[], 'tokenizer_config.json: must be a JSON object.'],
    [{}, 'tokenizer_config.json: chat_template: is missing'],
    [{ chat_template: 3 }, 'chat_template: must be a text or a list of named templates.'],
    [{ chat_template: [{ name: 'rag', template: 'x' }] }, 'chat_template: has no template named "default" among: rag.'],
    [{ chat_template: ['x'] }, 'chat_template[0]: must be an object with the texts name and template.'],
    [{ chat_template: 'x', bos_token: 3 }, "tokenizer_config.json: bos_token: must be a token's text, not 3."],
    [{ chat_template: 'x', eos_token: {} }, "tokenizer_config.json: eos_token: must be a token's text"],
  ])('refuses %j', async (config, message) => {
    await expect(read(config)).rejects.toThrow(message);
  });
});
