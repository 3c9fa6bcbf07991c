import { readFileSync } from 'node:fs';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../byte-source.ts';
import { FormatError } from '../errors.ts';
import { memorySource } from '../memory-source.ts';
import type { ColumnMapping } from './column-mapping.ts';
import type { DatasetItem } from './dataset.ts';
import { mappingFor, previewDataset, readDataset } from './read-dataset.ts';
import { lines, read, readBytes } from './test-reading.ts';
import {
  datasetFiles,
  helpSteerFile,
  hhFile,
  messagesFile,
  pairsFile,
  preferenceFile,
  rewardBenchFile,
  rmBenchFile,
  ultraFeedbackFile,
  unknownFile,
} from './test-datasets.ts';

const textsOf = ({ responses }: DatasetItem) => responses.map(({ text, role }) => `${role}: ${text}`);

describe('every layout is recognised and read', () => {
  test.each(Object.entries(datasetFiles))('%s', async (layout, text) => {
    const { preview, items, rejected } = await read(text);
    expect(preview.recognised?.layout).toBe(layout);
    expect(rejected).toEqual([]);
    expect(items.length).toBeGreaterThan(0);
    for (const { messages, responses } of items) {
      expect(messages.at(-1)?.role).toBe('user');
      expect(responses.length).toBeGreaterThan(0);
    }
  });

  test('RewardBench: subset, id, and the rest kept', async () => {
    const { items } = await read(rewardBenchFile);
    expect(items[0]).toMatchObject({ id: '1', subset: 'alpacaeval-easy', row: 1 });
    expect(textsOf(items[0]!)).toEqual([expect.stringMatching(/^chosen: Air/), 'rejected: It reflects the sea.']);
    expect(JSON.parse(items[0]?.extra ?? '')).toEqual({ chosen_model: 'a', rejected_model: 'b' });
  });

  test('RewardBench 2: several responses a side', async () => {
    const { items, rejected } = await read(
      lines({ id: 'x', prompt: 'p', chosen: ['a'], rejected: ['b', 'c', 'd'], subset: 'Factuality', num_correct: 1 }),
    );
    expect(rejected).toEqual([]);
    expect(textsOf(items[0]!)).toEqual(['chosen: a', 'rejected: b', 'rejected: c', 'rejected: d']);
  });

  test('RM-Bench: three styles a side, the domain as subset', async () => {
    const { items } = await read(rmBenchFile);
    expect(items.map(({ id, subset }) => [id, subset])).toEqual([
      ['chat/0', 'chat'],
      ['math/0', 'math'],
    ]);
    expect(items[0]?.responses.map(({ role, style }) => `${role} ${style}`)).toEqual([
      'chosen 0',
      'chosen 1',
      'chosen 2',
      'rejected 0',
      'rejected 1',
      'rejected 2',
    ]);
  });

  test('HH-RLHF: the transcript becomes a conversation', async () => {
    const { items } = await read(hhFile);
    expect(items[0]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(items[0]?.messages[1]?.content).toBe('Shall I be brief?');
    expect(textsOf(items[1]!)).toEqual(['chosen: Hello!', 'rejected: Go away.']);
  });

  test('a prompt in HH’s manner, with bare responses', async () => {
    const prompt = '\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\n\nAssistant:';
    const { items } = await read(lines({ prompt, chosen: 'a', rejected: 'b' }));
    expect(items[0]?.messages.map(({ content }) => content)).toEqual(['One', 'Two', 'Three']);
  });

  test('UltraFeedback: the finer score is the label, where there is one', async () => {
    const { items } = await read(ultraFeedbackFile);
    expect(items[0]?.responses.map(({ label }) => label)).toEqual([4.5, 1.25, 3]);
    expect(items[0]?.subset).toBe('evol_instruct');
  });

  test('HelpSteer: responses of one prompt that follow each other are one item', async () => {
    const { items } = await read(helpSteerFile);
    expect(items.map(({ row, responses }) => [row, responses.map(({ label }) => label)])).toEqual([
      [1, [4, 0]],
      [3, [3]],
    ]);
  });

  test('messages and preferences', async () => {
    const conversations = await read(messagesFile);
    expect(conversations.items.map(({ messages }) => messages.length)).toEqual([2, 1]);
    const preference = await read(preferenceFile);
    expect(textsOf(preference.items[0]!)).toHaveLength(2);
    const pairs = await read(pairsFile);
    expect(pairs.items[1]?.responses.map(({ label }) => label)).toEqual([9, 2.5]);
  });

  test('a 64-bit id among the other fields keeps its digits', async () => {
    const { items } = await read('{"prompt":"p","chosen":"a","rejected":"b","hash":12345678901234567890,"n":1}\n');
    expect(items[0]?.extra).toBe('{"hash":12345678901234567890,"n":1}');
  });
});

describe('every layout as its publishers store it', () => {
  /** What a table cannot know: which fields a record lacked, and the numbers of lines. */
  const essence = (items: readonly DatasetItem[]) =>
    items.map(({ messages, responses, subset }) => ({
      messages,
      subset,
      responses: responses.map(({ text, role, label, style }) => ({ text, role, label, style })),
    }));
  const nested = Object.entries(datasetFiles).filter(([layout]) => layout !== 'pairs');

  test.each(nested)('%s as Parquet, lists and structs included', async (layout, text) => {
    const file = readFileSync(new URL(`../fixtures/datasets/${layout}.parquet`, import.meta.url));
    const { preview, items, rejected } = await readBytes(Uint8Array.from(file));
    expect(preview.format).toBe('parquet');
    expect(preview.recognised?.layout).toBe(layout);
    expect(rejected).toEqual([]);
    expect(essence(items)).toEqual(essence((await read(text)).items));
  });

  test.each(nested)('%s as CSV, lists and objects as JSON in their cells', async (layout, text) => {
    const records: Record<string, unknown>[] = text.startsWith('[')
      ? JSON.parse(text)
      : text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
    const cell = (value: unknown) => {
      const written = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
      return `"${written.replaceAll('"', '""')}"`;
    };
    const table = [names, ...records.map((record) => names.map((name) => record[name]))];
    const { preview, items, rejected } = await read(table.map((row) => row.map(cell).join(',')).join('\n'));
    expect(preview.format).toBe('csv');
    expect(preview.recognised?.layout).toBe(layout);
    expect(rejected).toEqual([]);
    expect(essence(items)).toEqual(essence((await read(text)).items));
  });
});

describe('the same records in every format', () => {
  const rows = [
    { prompt: 'p, "q"', chosen: 'a\nb', rejected: '😀', subset: 'x' },
    { prompt: 'second', chosen: ' a ', rejected: '', subset: 'y' },
  ];
  const column = (name: keyof (typeof rows)[0]) => rows.map((row) => row[name]);
  const csv = (delimiter: string, newline: string) =>
    [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]
      .map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter))
      .join(newline);
  const files: [string, string][] = [
    ['jsonl', lines(...rows)],
    ['jsonl without a last newline', lines(...rows).trimEnd()],
    ['one line', lines(rows[0])],
    ['json array', JSON.stringify(rows, undefined, 2)],
    ['json object with rows', JSON.stringify({ features: [{ name: 'prompt' }], data: rows })],
    [
      'a viewer’s answer',
      JSON.stringify({ rows: rows.map((row, row_idx) => ({ row_idx, row, truncated_cells: [] })) }),
    ],
    [
      'json columns',
      JSON.stringify({
        prompt: column('prompt'),
        chosen: column('chosen'),
        rejected: column('rejected'),
        subset: column('subset'),
      }),
    ],
    ['csv', csv(',', '\n')],
    ['csv with CRLF and a byte-order mark', `\ufeff${csv(',', '\r\n')}\r\n`],
    ['tabs', csv('\t', '\n')],
    ['semicolons', csv(';', '\n')],
  ];
  test.each(files)('%s', async (name, text) => {
    const { items, rejected } = await read(text);
    expect(rejected).toEqual([]);
    const expected = name === 'one line' ? rows.slice(0, 1) : rows;
    expect(
      items.map(({ messages, responses, subset }) => ({
        prompt: messages[0]?.content,
        chosen: responses[0]?.text,
        rejected: responses[1]?.text,
        subset,
      })),
    ).toEqual(expected);
  });

  test('parquet', async () => {
    const writer = new ByteWriter();
    void parquetWrite({
      writer,
      columnData: (['prompt', 'chosen', 'rejected', 'subset'] as const).map((name) => ({
        name,
        data: column(name),
        type: 'STRING' as const,
      })),
    });
    const { items, rejected } = await readBytes(new Uint8Array(writer.getBuffer()));
    expect(rejected).toEqual([]);
    expect(items.map(({ responses }) => responses.map(({ text }) => text))).toEqual(
      rows.map(({ chosen, rejected: other }) => [chosen, other]),
    );
  });
});

test('a long file streams: only one piece of it is read at a time', async () => {
  const block = new TextEncoder().encode(rewardBenchFile.repeat(200));
  const times = 30;
  let largest = 0;
  const source: ByteSource = {
    name: 'long',
    size: block.length * times,
    async read(offset, length) {
      largest = Math.max(largest, length);
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const piece = block.subarray((offset + at) % block.length).subarray(0, length - at);
        bytes.set(piece, at);
        at += piece.length;
      }
      return bytes;
    },
  };
  const preview = await previewDataset(source);
  let items = 0;
  for await (const { kind } of readDataset(source, preview.format, mappingFor(preview)))
    items += kind === 'item' ? 1 : 0;
  expect(items).toBe(4 * 200 * times);
  expect(source.size).toBeGreaterThan(2 * largest);
});

describe('an unknown layout', () => {
  test('is refused with its columns named, and read by a mapping', async () => {
    await expect(read(unknownFile)).rejects.toThrow(/no known layout; its columns are "Key", "User Prompt"/);
    const mapping: ColumnMapping = {
      shape: 'pair',
      prompt: 'User Prompt',
      chosen: 'Good Response',
      rejected: 'Bad Response',
      subset: 'Topic',
      id: 'Key',
    };
    const { items } = await read(unknownFile, mapping);
    expect(items.map(({ id, subset, row }) => [id, subset, row])).toEqual([
      ['7', 'physics', 2],
      ['8', 'talk', 4],
    ]);
    expect(items[0]?.responses[1]?.text).toBe('It reflects\nthe "sea".');
  });

  test('gets a first guess', async () => {
    const preview = await previewDataset(memorySource('x', new TextEncoder().encode(unknownFile)));
    expect(preview.recognised).toBeUndefined();
    expect(preview.suggested.mapping).toEqual({
      shape: 'pair',
      prompt: 'User Prompt',
      chosen: 'Good Response',
      rejected: 'Bad Response',
      id: 'Key',
    });
  });

  test('whose columns say nothing is guessed by how much text they hold', async () => {
    const rows = lines({ a: 'short question', b: 'a much longer text that answers it', c: '3' });
    const preview = await previewDataset(memorySource('x', new TextEncoder().encode(rows)));
    expect(preview.suggested.mapping).toEqual({ shape: 'response', prompt: 'a', response: 'b' });
  });

  test('a mapping that does not fit is refused', async () => {
    const mapping: ColumnMapping = { shape: 'pair', chosen: 'nope', rejected: 'Bad Response' };
    await expect(read(unknownFile, mapping)).rejects.toThrow(/lacks what the mapping needs: nope/);
    await expect(read(unknownFile, { shape: 'response', response: 'Topic' })).rejects.toThrow(/needs: prompt/);
  });

  test.each([
    ['empty', ''],
    ['blank', ' \n \n'],
    ['a header alone', 'a,b\n'],
    ['an empty array', '[]'],
    ['numbers', '[1, 2]'],
  ])('%s: no record', async (_, text) => {
    await expect(read(text)).rejects.toThrow(FormatError);
  });
});
