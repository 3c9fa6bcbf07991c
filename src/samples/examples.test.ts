/** Every example, scored by the real package: the recorded results are still its own, and every claim of a caption holds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadedModel, ScoredResponse } from '@/engine/api/messages.ts';
import { createCliEngine } from '@/cli/node-engine.ts';
import { embeddedPackage, exampleMessages } from '@/cli/example-scores.ts';
import { checkInspectionFile } from '@/formats/inspection-file.ts';
import { INSPECTION_FORMAT, INSPECTION_VERSION } from '@/formats/inspection-kind.ts';
import { packageSha256 } from '@/formats/model-package.ts';
import { marginNoise } from '@/formats/score-noise.ts';
import { claimHolds, claimSentence, type ClaimFacts } from './claims.ts';
import { exampleNamed, examples } from './examples.ts';
import { firstExample } from './first-example.ts';
import { firstRecording, otherRecordings, type RecordedExample } from './recorded.ts';

/** f32 on two machines with the same kernels. Numbers were rounded to nine digits, which is far finer. */
const tolerance = 5e-5;

const engine = createCliEngine();
let model: LoadedModel;
let recordings: readonly RecordedExample[];
const fresh = new Map<string, readonly ScoredResponse[]>();

beforeAll(async () => {
  model = await engine.load({ kind: 'directory', path: embeddedPackage }, { provider: 'native' });
  recordings = [firstRecording, ...(await otherRecordings())];
  for (const example of examples) {
    const { responses } = await engine.score({ messages: exampleMessages(example), responses: example.responses });
    fresh.set(example.name, responses);
  }
  // Half a minute alone; more on a busy machine.
}, 600_000);
afterAll(() => engine.dispose());

function factsOf(name: string): ClaimFacts {
  return {
    objectives: model.manifest.objectives,
    tooClose: marginNoise(model.manifest)?.tooClose,
    responses: fresh.get(name) ?? [],
    gateOf: (other) => fresh.get(other)?.[0]?.gateWeights,
  };
}

describe('the examples', () => {
  it('are at least twelve, in at least seven groups, each with a name of its own and a claim', () => {
    expect(examples.length).toBeGreaterThanOrEqual(12);
    expect(new Set(examples.map(({ group }) => group)).size).toBeGreaterThanOrEqual(7);
    expect(new Set(examples.map(({ name }) => name)).size).toBe(examples.length);
    expect(examples.filter(({ claims }) => claims.length === 0)).toEqual([]);
    expect(examples[0]).toBe(firstExample);
    for (const { name, turns, responses } of examples) {
      expect(name).toMatch(/^[a-z-]+$/);
      expect(turns.length % 2).toBe(1);
      expect(responses.length).toBeGreaterThanOrEqual(2);
    }
  });
});

describe('the recording', () => {
  it('is of the package that ships, and a valid inspection', async () => {
    const { canaries: _, ...manifest } = model.manifest;
    expect(firstRecording.model.manifest.id).toBe(manifest.id);
    expect(firstRecording.model.packageSha256).toBe(await packageSha256(model.manifest));
    expect(firstRecording.model.manifest.objectives).toEqual(manifest.objectives);
    for (const recording of recordings) {
      const example = exampleNamed(recording.name);
      if (example === undefined) throw new Error(`${recording.name} is recorded, but is no example`);
      const { system, turns, responses } = example;
      checkInspectionFile(
        {
          format: INSPECTION_FORMAT,
          formatVersion: INSPECTION_VERSION,
          createdAt: '2026-01-01T00:00:00Z',
          model: firstRecording.model,
          conversation: { turns, responses, ...(system === undefined ? {} : { system }) },
          results: recording.results,
        },
        recording.name,
      );
    }
  });

  it.each(examples.map(({ name }) => name))('of %s is what the package gives', (name) => {
    const recorded = recordings.find((recording) => recording.name === name)?.results ?? [];
    const scored = fresh.get(name) ?? [];
    expect(recorded).toHaveLength(scored.length);
    for (const [
      index,
      { rewards, adjustedRewards, gateWeights, coefficients, score, tokens, warnings },
    ] of scored.entries()) {
      const was = recorded[index];
      expect(was?.response).toBe(index);
      const pairs = [
        [was?.rewards, rewards],
        [was?.adjustedRewards, adjustedRewards],
        [was?.gateWeights, gateWeights],
        [was?.coefficients, coefficients],
        [[was?.score], [score]],
      ] as const;
      for (const [then, now] of pairs) {
        const worst = Math.max(...Array.from(now, (value, at) => Math.abs(value - (then?.[at] ?? Number.NaN))));
        expect(worst, 'run `npm run record-examples`').toBeLessThanOrEqual(tolerance);
      }
      expect({ ...was?.tokens, reused: 0 }).toEqual({ ...tokens, reused: 0 });
      expect(was?.warnings).toEqual(warnings);
    }
  });
});

describe('every claim of a caption holds', () => {
  const titleOf = (name: string) => exampleNamed(name)?.title ?? `no example named ${name}`;
  it.each(
    examples.flatMap(({ name, claims }) =>
      claims.map((claim) => [name, claimSentence(claim, titleOf), claim] as const),
    ),
  )('%s: %s', (name, sentence, claim) => {
    expect(sentence).toMatch(/^\S.*\.$/);
    expect(sentence).not.toContain('no example named');
    expect(claimHolds(claim, factsOf(name))).toBe(true);
  });
});
