import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from './errors.ts';
import {
  checkInspectionFile,
  readInspectionFile,
  writeInspectionFile,
  type InspectionFile,
} from './inspection-file.ts';
import { fromInspectionResult, toInspectionResult } from './inspection-numbers.ts';
import { fakeManifest } from '@/engine/fake/fake-model.ts';

const k = fakeManifest.objectives.length;
const { canaries: _, ...manifest } = fakeManifest;

/** A result whose numbers obey Eq 2 and 4 under M = I. */
function result(response: number, seed: number): InspectionFile['results'][number] {
  const rewards = Array.from({ length: k }, (_, i) => Math.sin(seed + i));
  const gateWeights = Array.from({ length: k }, (_, i) => (1 + ((seed + i) % 3)) / k);
  return {
    response,
    rewards,
    adjustedRewards: [...rewards],
    gateLogits: rewards.map((value) => value * 3),
    gateWeights,
    coefficients: [...gateWeights],
    score: rewards.reduce((sum, value, i) => sum + value * (gateWeights[i] ?? 0), 0),
    tokens: {
      total: 9,
      prompt: 5,
      response: 4,
      gateIndex: 3,
      gateToken: '<|end|>',
      scoredIndex: 8,
      scoredToken: '<|end|>',
      reused: 0,
    },
    warnings: [{ code: 'template', message: 'x' }],
    timings: { tokenizeMs: 0.5, backboneMs: 3, headsMs: 0.1 },
  };
}
const file: InspectionFile = {
  format: 'armoscope-inspection',
  formatVersion: 1,
  createdAt: '2026-11-24T10:00:00.000Z',
  model: {
    manifest,
    packageSha256: 'a'.repeat(64),
    transform: Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0)),
    provider: 'wasm',
  },
  conversation: { system: 's', turns: ['q'], responses: ['a', 'b'] },
  results: [result(0, 1), result(1, 2)],
};

const refusal = (value: unknown): string => {
  try {
    checkInspectionFile(value, 'x.json');
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return 'was read';
};

describe('an inspection file', () => {
  it('comes back as it was written, every number exactly', () => {
    expect(readInspectionFile(writeInspectionFile(file), 'x.json')).toEqual(file);
  });
  it('holds a scored response as plain arrays', () => {
    const one = result(1, 5);
    const scored = fromInspectionResult(one);
    expect(scored.rewards).toBeInstanceOf(Float64Array);
    expect(toInspectionResult(1, scored)).toEqual(one);
  });
  it('may hold texts that are not scored yet', () => {
    expect(refusal({ ...file, results: [] })).toBe('was read');
  });
});

describe('what is no inspection is refused by the place', () => {
  const changed = (change: Partial<InspectionFile['results'][number]>) => ({
    ...file,
    results: [{ ...result(0, 1), ...change }],
  });
  const cases: readonly [string, unknown, string][] = [
    ['another format', { format: 'x' }, 'its "format" is not'],
    ['not an object', 7, 'its "format" is not'],
    ['a later version', { ...file, formatVersion: 2 }, 'format version 2'],
    ['an unknown key', { ...file, extra: 1 }, 'extra'],
    ['a wrong time', { ...file, createdAt: 'today' }, 'createdAt'],
    ['a manifest that is none', { ...file, model: { ...file.model, manifest: {} } }, 'model.manifest'],
    [
      'an even number of turns',
      { ...file, conversation: { turns: ['a', 'b'], responses: ['x'] } },
      'conversation.turns',
    ],
    ['no response', { ...file, conversation: { turns: ['a'], responses: [] } }, 'conversation.responses'],
    ['a transform of another size', { ...file, model: { ...file.model, transform: [1] } }, 'model.transform'],
    ['a result of no response', changed({ response: 2 }), 'results.0.response'],
    ['two results of one response', { ...file, results: [result(0, 1), result(0, 1)] }, 'results.1.response'],
    ['too few rewards', changed({ rewards: [1] }), 'results.0.rewards'],
    ['a score the rewards do not make', changed({ score: 9 }), 'results.0.score'],
    [
      'adjusted rewards the transform does not make',
      changed({ adjustedRewards: Array(k).fill(1) }),
      'results.0.adjustedRewards',
    ],
    ['coefficients that make another score', changed({ coefficients: Array(k).fill(1) }), 'results.0.coefficients'],
    ['a number that is none', changed({ score: Number.NaN }), 'results.0.score'],
  ];
  it.each(cases)('%s', (_name, value, where) => {
    expect(refusal(value)).toContain(where);
  });
  it('and text that is no JSON', () => {
    expect(() => readInspectionFile('{', 'x.json')).toThrow('x.json: is not valid JSON');
  });
  it('with typed errors only', () => {
    const paths = Object.keys(file) as (keyof InspectionFile)[];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (key, value) => {
        expect(refusal({ ...file, [key]: value }).length).toBeGreaterThan(0);
      }),
    );
  });
});
