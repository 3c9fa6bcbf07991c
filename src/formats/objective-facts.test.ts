import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readObjectiveFacts } from './objective-facts.ts';

const folder = new URL('../../public/models/embedded/', import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

describe('readObjectiveFacts', () => {
  it('reads every objective of the embedded package', () => {
    const facts = readObjectiveFacts(read('report.json'));
    const { objectives } = read('armoscope.json') as { objectives: { name: string }[] };
    expect([...facts.keys()]).toEqual(objectives.map((objective) => objective.name));
    expect(facts.get('helpsteer-verbosity')?.length.spearman).toBeGreaterThan(0.6);
  });
  it('leaves out what does not fit, and survives anything', () => {
    const good = { name: 'a', agreement: [], raisedBy: [], length: { spearman: 0, perDoubling: 0 }, more: 1 };
    const bad = { ...good, name: 'b', length: { spearman: 'high', perDoubling: 0 } };
    expect([...readObjectiveFacts({ objectives: [good, bad, null, 7] }).keys()]).toEqual(['a']);
    for (const odd of [null, undefined, 7, 'text', [], {}, { objectives: 3 }])
      expect(readObjectiveFacts(odd).size).toBe(0);
  });
});
