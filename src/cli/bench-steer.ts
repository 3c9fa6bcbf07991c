/**
 * How long a moved slider takes to become numbers over a whole set, beside scoring every response by itself.
 * `npm run bench:steer -- [--responses 10000] [--objectives 19] [--repeats 30]`
 *
 * Batch: `scoreBatch`, from a new steering value to all scores, ranks, leads and flips. Alternative: `applySteering` for every
 * response, an object each, then ranks by sorting each group; what a view would do without the batch. Both alternate in one
 * run and must give the same bits; medians are compared, of the wall clock and of the time spent on the cores, which says more
 * on a busy machine. Pairs are 5,000 prompts, so 5,000 gates.
 */
import { parseArgs } from 'node:util';
import { SeededRandom } from '@/base/random.ts';
import { identityTransform } from '@/core/debias.ts';
import { applySteering, identitySteering, type SteerableHead, type Steering } from '@/core/steering.ts';
import { makeBatchScores, makeSteeringBatch, scoreBatch, type SteeringBatch } from '@/core/steering-batch.ts';
import { medianOf, timed, type Timing } from './bench-timing.ts';

/** What a moved slider may cost before the numbers stand (product.md, figures to hold). */
const targetMs = 16;

const { values } = parseArgs({
  options: {
    responses: { type: 'string', default: '10000' },
    objectives: { type: 'string', default: '19' },
    repeats: { type: 'string', default: '30' },
  },
});
const responses = Number(values.responses);
const k = Number(values.objectives);
const repeats = Number(values.repeats);

const random = new SeededRandom(20261124);
const normals = (count: number) => Float64Array.from({ length: count }, () => random.normal());

const transform = identityTransform(k);
for (let j = 0; j < k; j++) transform[4 * k + j] = j === 4 ? 0 : -0.1 * random.uniform();
const head: SteerableHead = {
  objectives: k,
  transform,
  verbosityDimensions: [4],
  gate: { temperature: 10, logitScale: 1.1 },
};

/** A slider half way along its track is `t` = 0.5. */
const handles: Readonly<Record<string, (t: number) => Steering>> = {
  'gate weight': (t) => ({ ...identitySteering, logitShifts: { 0: 20 * t } }),
  penalty: (t) => ({ ...identitySteering, penalties: { base: 'model', scale: t, overrides: {} } }),
  coefficient: (t) => ({ ...identitySteering, coefficientOverrides: { 3: t } }),
};

for (const groupSize of [2, 8, responses]) {
  const groups = Math.ceil(responses / groupSize);
  const batch = makeSteeringBatch(head, {
    rows: responses,
    prompts: groups,
    groups,
    rewards: normals(responses * k),
    gateLogits: normals(groups * k).map((value) => value * 10),
    promptOf: Int32Array.from({ length: responses }, (_, row) => Math.floor(row / groupSize)),
    groupStart: Int32Array.from({ length: groups + 1 }, (_, group) => Math.min(responses, group * groupSize)),
  });
  for (const [handle, steeringAt] of Object.entries(handles)) measure(batch, groupSize, handle, steeringAt);
}

function measure(batch: SteeringBatch, groupSize: number, handle: string, steeringAt: (t: number) => Steering): void {
  const target = makeBatchScores(head, batch.set);
  const batchTimes: Timing[] = [];
  const aloneTimes: Timing[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const steering = steeringAt((repeat + 1) / repeats);
    batchTimes.push(timed(() => scoreBatch(batch, steering, target)).timing);
    // The alternative is slow: a few rounds are enough for its median.
    if (repeat % 6 > 0) continue;
    const { result: alone, timing } = timed(() => scoreOneByOne(batch, steering));
    aloneTimes.push(timing);
    const wrong = alone.scores.findIndex((score, row) => !Object.is(score, target.scores[row]));
    if (wrong >= 0) throw new Error(`response ${wrong} scores differently alone`);
    if (alone.ranks.some((rank, row) => rank !== target.ranks[row])) throw new Error('the ranks differ');
  }
  const wall = batchTimes.map(({ wallMs }) => wallMs);
  const ratio = medianOf(aloneTimes, 'coreMs') / medianOf(batchTimes, 'coreMs');
  console.log(
    `${responses} responses in groups of ${groupSize}, ${handle}: batch ${medianOf(batchTimes, 'wallMs').toFixed(2)} ms ` +
      `(${Math.min(...wall).toFixed(2)} to ${Math.max(...wall).toFixed(2)}; core ${medianOf(batchTimes, 'coreMs').toFixed(2)}), ` +
      `one by one ${medianOf(aloneTimes, 'wallMs').toFixed(1)} ms (core ${medianOf(aloneTimes, 'coreMs').toFixed(1)}), ` +
      `ratio ${ratio.toFixed(1)}; ${target.flipCount} flips; ` +
      `${medianOf(batchTimes, 'wallMs') <= targetMs ? 'within' : 'OVER'} ${targetMs} ms`,
  );
}

function scoreOneByOne({ set }: SteeringBatch, steering: Steering) {
  const evaluations = Array.from({ length: set.rows }, (_, row) => {
    const prompt = set.promptOf[row]!;
    return applySteering(
      head,
      {
        rewards: set.rewards.subarray(row * k, (row + 1) * k),
        gateLogits: set.gateLogits.subarray(prompt * k, (prompt + 1) * k),
      },
      steering,
    );
  });
  const scores = evaluations.map(({ score }) => score);
  const ranks: number[] = [];
  for (let group = 0; group < set.groups; group++) {
    const rows = scores.slice(set.groupStart[group], set.groupStart[group + 1]);
    const order = rows.toSorted((a, b) => b - a);
    const rankOf = new Map<number, number>();
    for (const [position, score] of order.entries()) if (!rankOf.has(score)) rankOf.set(score, position + 1);
    for (const score of rows) ranks.push(rankOf.get(score) ?? Number.NaN);
  }
  return { scores, ranks };
}
