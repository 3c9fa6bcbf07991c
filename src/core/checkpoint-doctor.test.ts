/** Every finding provoked by one change of a model that has none of them. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { ARMORM_OBJECTIVES } from './armorm-objectives.ts';
import { examineCheckpoint } from './checkpoint-doctor.ts';
import type { DoctorCode, DoctorFacts, DoctorFinding, DoctorSeverity, DoctorText } from './doctor-findings.ts';
import { gateWeights, type RewardHead } from './reward-head.ts';

const k = 19;
const d = 32;
const hidden = 24;
const random = new SeededRandom(41);
const normal = (length: number, scale: number): Float32Array =>
  Float32Array.from({ length }, () => scale * random.normal());

/** Eq 2's M: `penalty` of objective 4 taken from the others, itself included (λ_4 = 1 makes its column zero). */
function transformOf(penalty: (j: number) => number): Float64Array {
  const transform = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    transform[j * k + j] = 1;
    transform[4 * k + j] = (j === 4 ? 1 : 0) - penalty(j);
  }
  return transform;
}

const healthyHead: RewardHead = {
  objectives: k,
  featureSize: d,
  regression: normal(k * d, 0.3),
  gate: {
    layers: [
      { weight: normal(hidden * d, 0.5), bias: normal(hidden, 0.1), inputSize: d, outputSize: hidden },
      { weight: normal(k * hidden, 0.5), bias: normal(k, 0.1), inputSize: hidden, outputSize: k },
    ],
    temperature: 1,
    logitScale: 1,
  },
  transform: transformOf((j) => (j === 4 ? 0 : 0.1 + 0.01 * j)),
};

function textOf(head: RewardHead, logits: Float32Array): DoctorText {
  const rewards = Array.from(normal(k, 1));
  return {
    tokens: 90,
    bosCount: 1,
    startsWithBos: true,
    startsWithNamedBos: true,
    lastIsEndOfTurn: true,
    cutText: '\n',
    gateIndex: 20,
    gateReadsOwnSequence: false,
    searchedGateIndex: 20,
    responseStart: 25,
    gateWeights: Array.from(gateWeights(head, logits)),
    rewards,
    referenceRewards: rewards,
  };
}

const logits = [normal(k, 1), normal(k, 1)];
const textsOf = (head: RewardHead): DoctorText[] => logits.map((of) => textOf(head, of));

const healthy: DoctorFacts = {
  head: healthyHead,
  objectives: ARMORM_OBJECTIVES,
  verbosityDimensions: [4],
  bosId: 128000,
  endOfTurnId: 128009,
  gateRule: 'last-pattern',
  layers: 4,
  dtype: 'f32',
  texts: textsOf(healthyHead),
  checkpoint: { namesFrom: 'file', tiedEmbedding: false, unusedTensors: [], ignoredKeys: [], storedOtherwise: [] },
};

const withHead = (change: Partial<RewardHead>, more: Partial<DoctorFacts> = {}): DoctorFacts => ({
  ...healthy,
  head: { ...healthyHead, ...change },
  ...more,
});
const withGate = (change: Partial<RewardHead['gate']>): DoctorFacts => {
  const head = { ...healthyHead, gate: { ...healthyHead.gate, ...change } };
  return { ...healthy, head, texts: textsOf(head) };
};
const withTexts = (change: Partial<DoctorText>): DoctorFacts => ({
  ...healthy,
  texts: healthy.texts.map((text) => ({ ...text, ...change })),
});
const withCheckpoint = (change: DoctorFacts['checkpoint']): DoctorFacts => ({
  ...healthy,
  checkpoint: { ...healthy.checkpoint, ...change },
});

function told(facts: DoctorFacts): DoctorFinding[] {
  return examineCheckpoint(facts).filter(({ severity }) => severity !== 'fine');
}

test('a healthy model gets a line for everything looked at, and all is fine', () => {
  const findings = examineCheckpoint(healthy);
  expect(findings.map(({ code }) => code).sort()).toEqual(
    [
      'bos',
      'dead-mass',
      'end-of-turn',
      'gate-position',
      'gate-sum',
      'gate-trained',
      'gate-varies',
      'generation-prompt',
      'objectives',
      'regression',
      'rounding',
      'transform',
    ].sort(),
  );
  expect(told(healthy)).toEqual([]);
  for (const { subject, found, meaning } of findings)
    for (const words of [subject, found, meaning]) expect(words).not.toMatch(/undefined|NaN|Infinity|^$/);
});

/** `nn.Linear`'s own start. */
const initialised = healthyHead.gate.layers.map((layer) => ({
  ...layer,
  weight: layer.weight.map(() => (2 * random.uniform() - 1) / Math.sqrt(layer.inputSize)),
}));
const transposed = new Float64Array(k * k).map(
  (_, index) => healthyHead.transform[(index % k) * k + Math.floor(index / k)] ?? 0,
);
const oneRow = (fill: (j: number) => number): Float32Array =>
  healthyHead.regression.map((value, index) => (Math.floor(index / d) === 3 ? fill(index % d) : value));
const evenTexts = healthy.texts.map((text) => ({ ...text, gateWeights: Array.from({ length: k }, () => 1 / k) }));

const cases: readonly [what: string, facts: DoctorFacts, code: DoctorCode, severity: DoctorSeverity, says: RegExp][] = [
  ['two BOS tokens', withTexts({ bosCount: 2 }), 'bos', 'error', /2 of id 128000/],
  ['a BOS elsewhere', withTexts({ startsWithBos: false }), 'bos', 'error', /none at its start/],
  [
    'a named BOS that the template leaves out',
    { ...withTexts({ bosCount: 0, startsWithBos: false, startsWithNamedBos: false }), bosId: undefined },
    'bos',
    'warning',
    /does not write it/,
  ],
  ['another last token', withTexts({ lastIsEndOfTurn: false }), 'end-of-turn', 'error', /128009/],
  [
    'a header after the response',
    withTexts({ cutText: '<|start_header_id|>assistant<|end_header_id|>\n\n' }),
    'generation-prompt',
    'warning',
    /assistant/,
  ],
  ['a gate inside the response', withTexts({ gateIndex: 25, searchedGateIndex: 25 }), 'gate-position', 'error', /25/],
  ['a search that finds another place', withTexts({ searchedGateIndex: 40 }), 'gate-position', 'warning', /20.*40/],
  ['a search that finds none', withTexts({ searchedGateIndex: -1 }), 'gate-position', 'warning', /none/],
  ['a learned scale', withGate({ logitScale: 1.25 }), 'gate-sum', 'note', /1\.25/],
  ['a negative scale', withGate({ logitScale: -1 }), 'gate-sum', 'error', /−1/],
  ['a scale of zero', withGate({ logitScale: 0 }), 'gate-sum', 'error', /0/],
  [
    'outputs of another gate',
    withTexts({ gateWeights: healthy.texts[0]!.gateWeights.map((g, j) => (j === 0 ? g + 1e-4 : g)) }),
    'gate-sum',
    'error',
    /0\.0001/,
  ],
  [
    'the same weights for every prompt',
    withTexts({ gateWeights: healthy.texts[0]!.gateWeights }),
    'gate-varies',
    'warning',
    /0\.0 %/,
  ],
  [
    'all weight on one objective',
    withTexts({ gateWeights: Array.from({ length: k }, (_, j) => (j === 7 ? 1 : 0)) }),
    'gate-varies',
    'warning',
    /100\.0 %.*ultrafeedback-truthfulness/,
  ],
  ['a gate as PyTorch starts it', withGate({ layers: initialised }), 'gate-trained', 'warning', /±1\/√inputs/],
  [
    'a gate of zeros',
    withGate({ layers: healthyHead.gate.layers.map((layer) => ({ ...layer, weight: layer.weight.map(() => 0) })) }),
    'gate-trained',
    'warning',
    /zero/,
  ],
  ['an even gate', { ...healthy, texts: evenTexts }, 'gate-trained', 'warning', /1\/19/],
  ['a mask', withGate({ activeObjectives: [0, 1, 2, 5] }), 'gate-mask', 'note', /4 of 19.*helpsteer-complexity/],
  [
    'the script’s own λ_4 = 1',
    withHead({ transform: transformOf((j) => (j === 4 ? 1 : 0.1)) }),
    'dead-mass',
    'note',
    /helpsteer-verbosity/,
  ],
  [
    'much weight on a zero column',
    {
      ...withHead({ transform: transformOf((j) => (j === 4 ? 1 : 0.1)) }),
      texts: logits.map((of) =>
        textOf(
          healthyHead,
          of.map((value, j) => (j === 4 ? 3 : value)),
        ),
      ),
    },
    'dead-mass',
    'warning',
    /% of the gate/,
  ],
  [
    'no correction',
    withHead({ transform: transformOf(() => 0) }, { verbosityDimensions: [] }),
    'transform',
    'note',
    /identity/,
  ],
  ['a transposed M', withHead({ transform: transposed }), 'transform', 'warning', /transposed/],
  [
    'a diagonal that is not 1',
    withHead({ transform: healthyHead.transform.map((value, index) => (index === 0 ? 0.5 : value)) }),
    'transform',
    'warning',
    /helpsteer-helpfulness, but 0\.5/,
  ],
  [
    'a full M',
    withHead({ transform: healthyHead.transform.map((value, index) => (index % (k + 1) === 0 ? value : -0.01)) }),
    'transform',
    'warning',
    /19 of 19/,
  ],
  [
    'a negative λ',
    withHead({ transform: transformOf((j) => (j === 4 ? 0 : j === 2 ? -0.3 : 0.1)) }),
    'transform',
    'note',
    /from −0\.3 to 0\.1; negative for 1 of 18/,
  ],
  ['a name too few', { ...healthy, objectives: ARMORM_OBJECTIVES.slice(1) }, 'objectives', 'error', /18 names for 19/],
  [
    'another order of objectives',
    { ...healthy, verbosityDimensions: [3] },
    'objectives',
    'warning',
    /complexity.*verbosity/,
  ],
  ['names by count', withCheckpoint({ namesFrom: 'count' }), 'objectives', 'note', /as ArmoRM’s/],
  [
    'numbers for names',
    { ...healthy, objectives: ARMORM_OBJECTIVES.map((_, j) => ({ name: `objective-${j}` })), checkpoint: undefined },
    'objectives',
    'note',
    /numbers/,
  ],
  ['a row of zeros', withHead({ regression: oneRow(() => 0) }), 'regression', 'warning', /helpsteer-complexity/],
  ['all rows zero', withHead({ regression: new Float32Array(k * d) }), 'regression', 'error', /All 19/],
  [
    'the same row twice',
    withHead({ regression: oneRow((j) => healthyHead.regression[j] ?? 0) }),
    'regression',
    'warning',
    /helpsteer-complexity = helpsteer-helpfulness/,
  ],
  [
    'coarse rounding',
    {
      ...withTexts({
        referenceRewards: healthy.texts[0]!.rewards.map((r) => r + 0.02),
        rewards: healthy.texts[0]!.rewards,
      }),
      dtype: 'q4',
    },
    'rounding',
    'warning',
    /0\.1 /,
  ],
  [
    'coarse rounding without a scale to hold it against',
    {
      ...withTexts({
        referenceRewards: healthy.texts[0]!.rewards.map((r) => r + 0.02),
        rewards: healthy.texts[0]!.rewards,
      }),
      objectives: ARMORM_OBJECTIVES.map(({ name }) => ({ name })),
      dtype: 'q4',
    },
    'rounding',
    'note',
    /0\.02 /,
  ],
  [
    'heads put in without the unrounded weights',
    withTexts({ referenceRewards: undefined }),
    'rounding',
    'note',
    /without the unrounded weights/,
  ],
  ['fewer layers', { ...withCheckpoint({ layers: 32 }), layers: 20 }, 'layers', 'warning', /20 of 32/],
  [
    'a matrix in another form',
    withCheckpoint({ storedOtherwise: ['model.layers.0.mlp.down_proj.weight as f32'] }),
    'stored-form',
    'note',
    /down_proj\.weight as f32/,
  ],
  ['tied embeddings', withCheckpoint({ tiedEmbedding: true }), 'tied-embedding', 'note', /ties/],
  ['a tensor nobody reads', withCheckpoint({ unusedTensors: ['lm_head.weight'] }), 'unused-tensors', 'note', /lm_head/],
  ['a key nobody knows', withCheckpoint({ ignoredKeys: ['colour'] }), 'ignored-keys', 'note', /colour/],
];

describe('one change, one finding', () => {
  test.each(cases)('%s', (_, facts, code, severity, says) => {
    const found = examineCheckpoint(facts).find((finding) => finding.code === code);
    expect(found).toMatchObject({ severity });
    expect(found?.found).toMatch(says);
    // A change may show in a second place (a dead column is also a diagonal of M), but never more gravely.
    const rank = (of: DoctorSeverity): number => ['fine', 'note', 'warning', 'error'].indexOf(of);
    for (const finding of told(facts)) expect(rank(finding.severity)).toBeLessThanOrEqual(rank(severity));
  });

  test('and every code has its case', () => {
    expect(new Set(cases.map(([, , code]) => code)).size).toBe(18);
  });
});

test('the gravest come first', () => {
  const findings = examineCheckpoint({ ...withTexts({ bosCount: 2 }), checkpoint: { tiedEmbedding: true } });
  expect(findings[0]?.severity).toBe('error');
  expect(findings.at(-1)?.severity).toBe('fine');
});

test('the multi-domain form: no marker, a mask, two debiased dimensions', () => {
  const facts: DoctorFacts = {
    ...healthy,
    gateRule: 'prompt-last-token',
    texts: healthy.texts.map((text) => ({
      ...text,
      gateReadsOwnSequence: true,
      searchedGateIndex: undefined,
      gateIndex: 24,
    })),
  };
  const position = examineCheckpoint(facts).find(({ code }) => code === 'gate-position');
  expect(position).toMatchObject({ severity: 'fine' });
  expect(position?.found).toContain('2 need a run of the prompt alone');
});
