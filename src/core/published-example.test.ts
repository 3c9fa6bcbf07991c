import { describe, expect, test } from 'vitest';
import { ARMORM_OBJECTIVES } from './armorm-objectives.ts';
import { comparePublished, packageRounding, whyNotPublished, type ExamplePackage } from './published-example.ts';

/** The card's own numbers as rewards and coefficients. */
const rewards = ARMORM_OBJECTIVES.map(
  (_, j) => (([2.78125, 2.859375, 3.484375, 1.3847656, 1.296875][j] ?? 0) + 0.5) / 5,
);
const coefficients = ARMORM_OBJECTIVES.map(({ name }) =>
  name === 'code-complexity'
    ? 0.19922
    : name === 'helpsteer-verbosity'
      ? -0.10864
      : name === 'ultrafeedback-instruction_following'
        ? 0.07861
        : 0,
);
const none = { rewards: 0, gateWeights: 0 };
const moved = (values: readonly number[], j: number, by: number): number[] =>
  values.map((value, i) => (i === j ? value + by : value));

describe('our numbers beside the card’s', () => {
  test('its own agree, to the digit', () => {
    const { rows, verdict } = comparePublished(rewards, coefficients, none);
    expect(verdict).toBe('agrees');
    expect(rows).toHaveLength(8);
    for (const { published, ours } of rows) expect(ours).toBeCloseTo(published, 12);
    expect(rows.slice(0, 5).map(({ human }) => human)).toEqual([3, 3, 4, 2, 2]);
  });

  test('0.029 of a rating is noise between stacks, 0.031 is not, unless the package rounds that much', () => {
    expect(comparePublished(moved(rewards, 2, 0.029 / 5), coefficients, none).verdict).toBe('agrees');
    const off = moved(rewards, 2, -0.031 / 5);
    expect(comparePublished(off, coefficients, none).verdict).toBe('differs');
    expect(comparePublished(off, coefficients, { rewards: 0.001, gateWeights: 0 }).verdict).toBe('rounding');
    expect(comparePublished(off, coefficients, { rewards: 0.0001, gateWeights: 0 }).verdict).toBe('differs');
  });

  test('coefficients count too, of either sign', () => {
    for (const j of [4, 6, 14])
      for (const sign of [-1, 1]) {
        expect(comparePublished(rewards, moved(coefficients, j, sign * 0.005), none).verdict).toBe('agrees');
        expect(comparePublished(rewards, moved(coefficients, j, sign * 0.007), none).verdict).toBe('differs');
        expect(
          comparePublished(rewards, moved(coefficients, j, sign * 0.007), { rewards: 0, gateWeights: 0.002 }).verdict,
        ).toBe('rounding');
      }
  });

  test('what is not a number differs', () => {
    expect(comparePublished(moved(rewards, 0, Number.NaN), coefficients, none).verdict).toBe('differs');
    expect(comparePublished([], [], none).verdict).toBe('differs');
  });

  test('the rounding is the worst canary’s', () => {
    const outputs = (reward: number, weight: number) => ({ rewards: [0, reward], gateWeights: [weight, 0] });
    expect(packageRounding([])).toEqual(none);
    const canaries = [
      { own: outputs(1, 0.5), reference: outputs(1.25, 0.5) },
      { own: outputs(1, 0.5), reference: outputs(1, 0.625) },
    ];
    expect(packageRounding(canaries)).toEqual({ rewards: 0.25, gateWeights: 0.125 });
  });
});

describe('where the example applies', () => {
  const armorm: ExamplePackage = {
    objectives: ARMORM_OBJECTIVES,
    architecture: { hiddenSize: 4096, layers: 32 },
    gate: { rule: { kind: 'last-pattern', tokenIds: [128009, 128006, 78191, 128007, 271] } },
    source: { name: 'RLHFlow/ArmoRM-Llama3-8B-v0.1' },
  };
  test('the published shape, and nothing else', () => {
    expect(whyNotPublished(armorm)).toBeUndefined();
    expect(whyNotPublished({ ...armorm, architecture: { hiddenSize: 576, layers: 20 } })).toMatch(/20 of 576/);
    expect(whyNotPublished({ ...armorm, architecture: { hiddenSize: 4096, layers: 20 } })).toMatch(/20 of 4096/);
    expect(whyNotPublished({ ...armorm, objectives: ARMORM_OBJECTIVES.slice(1) })).toMatch(/has 18/);
    expect(whyNotPublished({ ...armorm, objectives: [...ARMORM_OBJECTIVES].reverse() })).toMatch(/19 others/);
    expect(whyNotPublished({ ...armorm, gate: { rule: { kind: 'prompt-last-token' } } })).toMatch(/template/);
    expect(whyNotPublished({ ...armorm, gate: { rule: { kind: 'last-pattern', tokenIds: [1, 2] } } })).toMatch(
      /template/,
    );
  });
});
