/** Claims about scores are held to the package's own noise: nothing inside it is a preference, nothing outside it is even. */
import { describe, expect, it } from 'vitest';
import { claimHolds, type Claim, type ClaimFacts } from './claims.ts';

/** Two responses with these scores under a noise of 0.06. */
function facts(scores: readonly number[]): ClaimFacts {
  return {
    objectives: [],
    tooClose: 0.06,
    responses: scores.map((score) => ({ score, rewards: [], coefficients: [], gateWeights: [], warnings: [] })),
    gateOf: () => undefined,
  };
}

const prefers: Claim = { kind: 'prefers', a: 'A', b: 'B' };
const wrongly: Claim = { kind: 'prefers-wrongly', a: 'A', b: 'B' };
const even: Claim = { kind: 'near-even', a: 'A', b: 'B' };

describe('a claim about two scores', () => {
  it.each([
    { what: 'well above', scores: [0.5, 0.4], preferred: true, close: false },
    { what: 'above, inside the noise', scores: [0.45, 0.4], preferred: false, close: true },
    { what: 'equal', scores: [0.4, 0.4], preferred: false, close: true },
    { what: 'below, inside the noise', scores: [0.4, 0.45], preferred: false, close: true },
    { what: 'well below', scores: [0.4, 0.5], preferred: false, close: false },
  ])('$what', ({ scores, preferred, close }) => {
    expect(claimHolds(prefers, facts(scores))).toBe(preferred);
    expect(claimHolds(wrongly, facts(scores))).toBe(preferred);
    expect(claimHolds(even, facts(scores))).toBe(close);
  });

  it('is left open where the noise or a response is missing', () => {
    const unmeasured: ClaimFacts = { ...facts([0.5, 0.4]), tooClose: undefined };
    for (const claim of [prefers, wrongly, even]) {
      expect(claimHolds(claim, unmeasured)).toBeUndefined();
      expect(claimHolds(claim, facts([0.5]))).toBeUndefined();
    }
  });
});
