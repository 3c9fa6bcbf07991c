import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createCliEngine } from '../node-engine.ts';
import { jsonRecord, parseJsonRecord } from './json-record.ts';
import { judgeWrittenPairs, readWrittenPairs, WRITTEN_PAIRS_FILE } from './written-pairs.ts';

const PACKAGE = 'public/models/embedded';

describe('written pairs', () => {
  it('are at least forty, over many themes, each with two different answers', async () => {
    const pairs = await readWrittenPairs(WRITTEN_PAIRS_FILE);
    expect(pairs.length).toBeGreaterThanOrEqual(40);
    expect(new Set(pairs.map(({ subset }) => subset)).size).toBeGreaterThanOrEqual(12);
    expect(new Set(pairs.map(({ id }) => id)).size).toBe(pairs.length);
    for (const { chosen, rejected, prompt } of pairs) {
      expect(chosen).not.toBe(rejected);
      expect(prompt.at(-1)?.role).toBe('user');
    }
    // Longer-wins must not explain them.
    const longer = pairs.filter(({ chosen, rejected }) => chosen.length > rejected.length).length;
    expect(longer).toBeLessThan(0.75 * pairs.length);
  });

  it('counts a tie as wrong and names what is wrong', async () => {
    const pair = (id: string) => ({ id, subset: 's', prompt: [], chosen: id, rejected: '' });
    const result = await judgeWrittenPairs([pair('a'), pair('bb'), pair('ccc')], async (_, [chosen = '']) =>
      chosen.length === 1 ? [1, 1] : [chosen.length, 2.5],
    );
    expect(result).toEqual({
      pairs: 3,
      right: 1,
      accuracy: 1 / 3,
      bySubset: { s: { pairs: 3, right: 1 } },
      wrong: [
        { id: 'a', margin: 0 },
        { id: 'bb', margin: -0.5 },
      ],
    });
  });

  it('the package in this repository gets nearly nine of ten right, and its report lists the rest', async () => {
    expect(existsSync(PACKAGE)).toBe(true);
    const engine = createCliEngine({ threads: 1 });
    try {
      await engine.load({ kind: 'directory', path: PACKAGE }, { provider: 'native' });
      const result = await judgeWrittenPairs(await readWrittenPairs(WRITTEN_PAIRS_FILE), async (messages, responses) =>
        (await engine.score({ messages, responses })).responses.map(({ score }) => score),
      );
      expect(result.accuracy).toBeGreaterThanOrEqual(0.89);
      const report = parseJsonRecord(await readFile(`${PACKAGE}/report.json`, 'utf8'), 'report.json');
      const stated = jsonRecord(report['writtenPairs'], 'report.json: writtenPairs');
      expect(stated['right']).toBe(result.right);
      expect(stated['wrong']).toEqual(
        result.wrong.map(({ id, margin }) => ({ id, margin: expect.closeTo(margin, 4) as number })),
      );
    } finally {
      await engine.dispose();
    }
  }, 240_000);
});
