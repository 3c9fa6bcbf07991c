import { describe, expect, it } from 'vitest';
import { testManifest, testResponse } from './test-model.ts';
import { comparePair, contributionSum, gateSummary, nativeIndices, objectiveRows, viewValues } from './attribution.ts';

const manifest = testManifest();

describe('contributions', () => {
  it('are coefficient times raw reward and sum to the score', () => {
    const scored = testResponse(manifest, 7);
    const rows = objectiveRows(manifest, scored);
    expect(rows[3]?.contribution).toBe((scored.coefficients[3] ?? 0) * (scored.rewards[3] ?? 0));
    expect(contributionSum(rows)).toBeCloseTo(scored.score, 12);
  });
});

describe('a pair', () => {
  it('has margin and Bradley-Terry probability with the published β', () => {
    expect(comparePair({ ...manifest, bradleyTerryBeta: 4 }, 1, 0.5)).toEqual({
      margin: 0.5,
      probability: 1 / (1 + Math.exp(-2)),
      beta: 4,
      betaPublished: true,
    });
  });
  it('says when β is not published', () => {
    expect(comparePair(manifest, 0, 0)).toMatchObject({ probability: 0.5, beta: 1, betaPublished: false });
  });
});

describe('the gate', () => {
  it('sums to logit_scale, and dead mass is the share on a zeroed verbosity column', () => {
    const scored = testResponse(manifest, 3);
    const summary = gateSummary(manifest, scored);
    expect(summary.sum).toBeCloseTo(manifest.gate.logitScale, 12);
    expect(summary.deadObjectives).toEqual(['helpsteer-verbosity']);
    expect(summary.deadMass).toBeCloseTo((scored.gateWeights[4] ?? 0) / summary.sum, 14);
    const alive = { ...scored, adjustedRewards: scored.adjustedRewards.map((value) => value || 0.1) };
    expect(gateSummary(manifest, alive).deadMass).toBe(0);
  });
});

it('shows native scales only where they are published', () => {
  const scored = testResponse(manifest, 2);
  expect(nativeIndices(manifest)).toEqual([0, 1, 2, 3, 4]);
  expect(viewValues(manifest, scored, 'native', [0])).toEqual([5 * (scored.rewards[0] ?? 0) - 0.5]);
  expect(viewValues(manifest, scored, 'adjusted', [4])).toEqual([0]);
});
