/** The doctor at conversion: altered checkpoints, one trouble each; what only a conversion sees is kept in the manifest. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { identityTransform } from '@/core/debias.ts';
import type { DoctorCode, DoctorFinding } from '@/core/doctor-findings.ts';
import type { ConversionReport, ConvertOptions, ConvertTools } from './conversion.ts';
import { convertCheckpoint } from './convert-checkpoint.ts';
import { createTestTools } from './fixtures/test-tools.ts';
import { filesOf, makeTinyCheckpoint, TINY, type TinyCheckpoint, type TinyShape } from './fixtures/tiny-checkpoint.ts';
import { memoryPackageSink } from './package-sink.ts';
import { replaceHeads } from './replace-heads.ts';
import { zeroRewardHead } from './reward-head-tensors.ts';

let tools: ConvertTools & { dispose(): Promise<void> };
beforeAll(async () => {
  tools = await createTestTools();
});
afterAll(() => tools.dispose());

const sinks = new WeakMap<ConversionReport, ReturnType<typeof memoryPackageSink>>();

async function convert(checkpoint: TinyCheckpoint, options: Partial<ConvertOptions> = {}): Promise<ConversionReport> {
  const sink = memoryPackageSink('package');
  const all = { dtype: 'f32', layersPerStage: 2, name: 'tiny', source: { name: 'tiny' }, ...options } as const;
  const report = await convertCheckpoint(filesOf(checkpoint), sink, all, tools);
  sinks.set(report, sink);
  return report;
}

const one: TinyShape = { ...TINY, layers: 1 };
const seed = 71;

function told({ findings }: ConversionReport): Partial<Record<DoctorCode, DoctorFinding['severity']>> {
  return Object.fromEntries(
    findings.filter(({ severity }) => severity !== 'fine').map(({ code, severity }) => [code, severity]),
  );
}
const foundOf = ({ findings }: ConversionReport, code: DoctorCode): string =>
  findings.find((finding) => finding.code === code)?.found ?? '';

/** True of the fixture itself: five nameless objectives under a scale of 1.25. */
const own = { objectives: 'note', 'gate-sum': 'note' } as const;

test('the fixture has its own two notes and nothing else', async () => {
  const report = await convert(makeTinyCheckpoint(one, seed));
  expect(told(report)).toEqual(own);
  expect(report.manifest.checkpoint).toEqual({
    namesFrom: 'none',
    tiedEmbedding: false,
    unusedTensors: [],
    ignoredKeys: [],
    storedOtherwise: [],
  });
});

const troubles: readonly [
  what: string,
  spoil: (checkpoint: TinyCheckpoint) => void,
  provoked: Partial<Record<DoctorCode, DoctorFinding['severity']>>,
  says: RegExp,
][] = [
  [
    'tied embeddings',
    ({ config }) => Object.assign(config, { tie_word_embeddings: true }),
    { 'tied-embedding': 'note' },
    /ties/,
  ],
  [
    'an output layer',
    ({ tensors }) => tensors.set('lm_head.weight', { shape: [131, 32], values: new Float32Array(131 * 32) }),
    { 'unused-tensors': 'note' },
    /lm_head\.weight/,
  ],
  [
    'a key of somebody’s own',
    ({ config }) => Object.assign(config, { colour: 'red', use_cache: true }),
    { 'ignored-keys': 'note' },
    /^config\.json: colour\.$/,
  ],
  [
    'no correction',
    ({ tensors }) => tensors.get('reward_transform_matrix')!.values.set(identityTransform(5)),
    { transform: 'note' },
    /identity/,
  ],
  [
    'a dead column',
    ({ tensors }) => tensors.get('reward_transform_matrix')!.values.set([0], 6),
    { 'dead-mass': 'warning' },
    /objective-01/,
  ],
  [
    'an untrained gate',
    ({ tensors }) => {
      const random = new SeededRandom(3);
      for (const layer of [0, 1]) {
        const { values, shape } = tensors.get(`gating.layers.${layer}.weight`)!;
        for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) / Math.sqrt(shape[1]!);
      }
    },
    { 'gate-trained': 'warning' },
    /PyTorch/,
  ],
  [
    'a constant gate',
    ({ tensors }) => {
      tensors.get('gating.layers.1.weight')!.values.fill(0);
      tensors.get('gating.layers.1.bias')!.values.set([9, 3, -4, 0, 1]);
    },
    { 'gate-varies': 'warning' },
    /0\.0 % of the weight moves/,
  ],
  [
    'a row of zeros',
    ({ tensors }) => tensors.get('regression_layer.weight')!.values.fill(0, 64, 96),
    { regression: 'warning' },
    /objective-02/,
  ],
];

describe('one trouble, one finding', () => {
  test.each(troubles)('%s', async (_, spoil, provoked, says) => {
    // Wide enough that the gate's layers say how they are spread.
    const checkpoint = makeTinyCheckpoint({ ...one, gateHidden: [64] }, seed);
    spoil(checkpoint);
    const report = await convert(checkpoint);
    expect(told(report)).toEqual({ ...own, ...provoked });
    const [code] = Object.keys(provoked) as DoctorCode[];
    expect(foundOf(report, code!)).toMatch(says);
  });
});

test('names of config.json are taken, and names of a file before them', async () => {
  const checkpoint = makeTinyCheckpoint(one, seed);
  const names = ['clear', 'true', 'kind', 'brief', 'safe'];
  Object.assign(checkpoint.config, { id2label: Object.fromEntries(names.map((name, j) => [j, name])) });
  const report = await convert(checkpoint);
  expect(report.manifest.objectives.map(({ name }) => name)).toEqual(names);
  expect(told(report)).toEqual({ 'gate-sum': 'note' });
  const file = report.manifest.objectives.map((objective, j) => ({ ...objective, name: `mine-${j}` }));
  expect((await convert(checkpoint, { objectives: file })).manifest.objectives[0]?.name).toBe('mine-0');
  Object.assign(checkpoint.config, { id2label: Object.fromEntries(names.map((_, j) => [j, `LABEL_${j}`])) });
  expect(told(await convert(checkpoint))).toEqual(own);
});

test('23 objectives are the multi-domain model’s by their count, 19 ArmoRM’s unless M contradicts the order', async () => {
  for (const [objectives, first, group, says] of [
    [23, 'co_discourse_structure', 'coherence', /carries no names/],
    // The fixture takes objective 1 from the others, ArmoRM objective 4.
    [19, 'helpsteer-helpfulness', 'helpsteer', /helpsteer-correctness.*not helpsteer-verbosity/],
  ] as const) {
    const report = await convert(makeTinyCheckpoint({ ...one, objectives }, seed));
    expect(report.manifest.objectives[0]).toMatchObject({ name: first, group });
    expect(new Set(report.manifest.objectives.map(({ name }) => name)).size).toBe(objectives);
    expect(foundOf(report, 'objectives')).toMatch(says);
  }
});

test('new heads keep what was seen of the checkpoint, but not what was true of the old heads', async () => {
  const checkpoint = makeTinyCheckpoint(TINY, seed);
  const report = await convert(checkpoint, { maxLayers: 2 });
  expect(report.manifest.checkpoint?.layers).toBe(3);
  const sink = sinks.get(report)!;
  const head = { ...zeroRewardHead(32, 5), regression: Float32Array.from({ length: 160 }, (_, i) => Math.sin(i)) };
  const objectives = report.manifest.objectives.map((objective, j) => ({ ...objective, name: `mine-${j}` }));
  const replaced = await replaceHeads(sink, filesOf(checkpoint), head, { objectives }, tools);
  expect(replaced.checkpoint).toEqual({ ...report.manifest.checkpoint, namesFrom: 'file', layers: undefined });
});
