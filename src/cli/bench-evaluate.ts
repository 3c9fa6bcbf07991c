/**
 * Evaluate on large files: `npm run bench:evaluate -- [--rows 100000] [--repeats 20] [--stream 1000000]`
 *
 * Frame: 100,000 imported responses after a slider moved: all of them scored anew, then margins, flips, the filtered comparisons and
 * their order by margin. Alternative to the latter, in the same run and with the same results: an object a comparison,
 * `Array.filter` and `Array.sort`, as a table component does it. Medians of the wall clock and of the time on the
 * cores, and the least, which says what a machine with nothing else to do takes.
 *
 * Stream: records of a dataset that is made while it is read (nothing on disk), through layout, mapping and items, with the
 * largest heap seen. For the bound itself, run it under `node --max-old-space-size=512`.
 */
import { parseArgs } from 'node:util';
import { SeededRandom } from '@/base/random.ts';
import { comparisonColumns, filterComparisons } from '@/core/comparison-table.ts';
import { orderRows } from '@/core/row-order.ts';
import { comparisonsOf, ScoredSetBuilder, type ScoredSet } from '@/core/scored-set.ts';
import { makeBatchScores, makeSteeringBatch, scoreBatch, steerableSet } from '@/core/steering-batch.ts';
import { identitySteering, type SteerableHead, type Steering } from '@/core/steering.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { mappingFor, previewDataset, readDataset } from '@/formats/datasets/read-dataset.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { readScoredSet, writeScoredSet } from '@/formats/scored-set.ts';
import { leastOf, medianOf, timed, timedAsync, type Timing } from './bench-timing.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    repeats: { type: 'string', default: '20' },
    stream: { type: 'string', default: '1000000' },
  },
});
const rows = Number(values.rows);
const repeats = Number(values.repeats);
const streamed = Number(values.stream);
const k = 19;
/** One frame at 60 Hz. */
const frameMs = 1000 / 60;
const random = new SeededRandom(20_261_124);

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

function makeSet(): ScoredSet {
  const objectives = Array.from({ length: k }, (_, j) => (j === 4 ? 'verbosity' : `objective ${j}`));
  const transform = new Float64Array(k * k);
  for (let j = 0; j < k; j++) transform[j * k + j] = j === 4 ? 0 : 1;
  for (let j = 0; j < k; j++) if (j !== 4) transform[4 * k + j] = -0.1 * random.uniform();
  const builder = new ScoredSetBuilder(objectives, 'bench', { transform, temperature: 10, logitScale: 1 });
  const normals = (): number[] => Array.from({ length: k }, () => random.normal());
  for (let pair = 0; pair < rows / 2; pair++) {
    const gateLogits = normals();
    const mass = gateLogits.map((logit) => Math.exp(logit / 10));
    const sum = mass.reduce((total, value) => total + value, 0);
    const row = (role: 'chosen' | 'rejected') => {
      const rewards = normals();
      return {
        role,
        rewards,
        gateLogits,
        gateWeights: mass.map((value) => value / sum),
        score: rewards.reduce((total, value) => total + value, 0) / k,
        responseTokens: random.integer(500),
        subset: `subset ${random.integer(23)}`,
      };
    };
    builder.addGroup(String(pair), pair + 1, [row('chosen'), row('rejected')]);
  }
  return builder.finish();
}

interface Row {
  readonly index: number;
  readonly margin: number;
  readonly flipped: boolean;
  readonly subset: string | undefined;
}

async function benchFrame(): Promise<void> {
  const made = makeSet();
  const parts = [...writeScoredSet(made, 'parquet')];
  const file = parts[0] ?? new Uint8Array(0);
  const { result: read, timing } = await timedAsync(() => readScoredSet(memorySource('bench.parquet', file)));
  const { set } = read;
  console.log(
    `${set.rows} responses imported from Parquet (${(file.length / 1e6).toFixed(0)} MB) in ${milliseconds(timing.wallMs)},` +
      ` ${milliseconds(timing.coreMs)} on the cores`,
  );
  const transform = set.head?.transform ?? new Float64Array(k * k);
  const head: SteerableHead = {
    objectives: k,
    transform,
    verbosityDimensions: [4],
    gate: { temperature: 10, logitScale: 1 },
  };
  const batch = makeSteeringBatch(head, steerableSet(set, head));
  const scores = makeBatchScores(head, batch.set);
  const comparisons = comparisonsOf(set);
  const baseline = batch.baseline.scores;
  let columns = comparisonColumns(comparisons, baseline, baseline);
  const subsets = new Set([1, 2, 3, 5, 8, 13]);
  const names = new Set([...subsets].map((code) => set.subsets.names[code]));

  const ours = (): Uint32Array => {
    columns = comparisonColumns(comparisons, scores.scores, baseline, columns);
    const found = filterComparisons(set, comparisons, columns, { subsets, margin: { from: -1, to: 1 } });
    return orderRows(found, columns.margins);
  };
  const objects = (): number[] => {
    const all = Array.from(comparisons.chosen, (a, index): Row => {
      const b = comparisons.rejected[index]!;
      const margin = scores.scores[a]! - scores.scores[b]!;
      const before = baseline[a]! - baseline[b]!;
      return {
        index,
        margin,
        flipped: Math.sign(margin) !== Math.sign(before),
        subset: set.subsets.names[set.subsets.codes[a]!],
      };
    });
    return all
      .filter(({ subset, margin }) => names.has(subset) && margin >= -1 && margin <= 1)
      .sort((x, y) => x.margin - y.margin)
      .map(({ index }) => index);
  };
  const handles: [string, (i: number) => Steering][] = [
    ['a penalty moved', (i) => ({ ...identitySteering, penalties: { base: 'model', scale: i / 10, overrides: {} } })],
    ['a gate weight moved', (i) => ({ ...identitySteering, logitShifts: { 0: i + 1 } })],
    ['a coefficient moved', (i) => ({ ...identitySteering, coefficientOverrides: { 3: i / 10 } })],
    ['the temperature moved', (i) => ({ ...identitySteering, temperature: 9 + i / 10 })],
  ];
  for (const [name, steeringAt] of handles) {
    const own: Timing[] = [];
    const scoring: Timing[] = [];
    for (let i = 0; i < repeats + 3; i++) {
      const steering = steeringAt(i);
      const c = timed(() => scoreBatch(batch, steering, scores));
      const a = timed(ours);
      if (i < 3) continue; // Compiled by then.
      own.push(a.timing);
      scoring.push(c.timing);
    }
    // Afterwards: the alternative leaves a million objects behind, whose removal would count as ours.
    const alternative: Timing[] = [];
    for (let i = 0; i < repeats; i++) alternative.push(timed(objects).timing);
    const theirs = objects();
    if (ours().some((index, at) => index !== theirs[at])) throw new Error('the two ways disagree');
    for (const of of ['wallMs', 'coreMs'] as const) {
      const [table, other, score] = [own, alternative, scoring].map((timings) => medianOf(timings, of));
      const whole = table! + score!;
      const least = leastOf(own, of) + leastOf(scoring, of);
      console.log(
        `${name}, ${of === 'wallMs' ? 'wall clock' : 'on the cores'}: scoring everything anew ${milliseconds(score!)}, filter and` +
          ` order ${milliseconds(table!)}, together ${milliseconds(whole)} (least ${milliseconds(least)}) of a frame's ${milliseconds(frameMs)};` +
          ` filter and order as an array of objects ${milliseconds(other!)} (ratio ${(other! / table!).toFixed(1)})`,
      );
    }
  }
}

/** A JSONL dataset of `count` pairs of about 1.2 kB, made block by block. */
function madeUp(count: number): ByteSource {
  const words = Array.from({ length: 400 }, () => Math.floor(random.uniform() * 1e6).toString(36));
  const text = (length: number): string => Array.from({ length }, () => words[random.integer(words.length)]).join(' ');
  const block = new TextEncoder().encode(
    Array.from(
      { length: 1000 },
      (_, i) =>
        `${JSON.stringify({ id: i, prompt: text(40), chosen: text(90), rejected: text(90), subset: `s${i % 23}` })}\n`,
    ).join(''),
  );
  return {
    name: 'made-up.jsonl',
    size: block.length * (count / 1000),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const piece = block.subarray((offset + at) % block.length).subarray(0, length - at);
        bytes.set(piece, at);
        at += piece.length;
      }
      return bytes;
    },
  };
}

async function benchStream(): Promise<void> {
  const source = madeUp(streamed);
  const preview = await previewDataset(source);
  const begin = performance.now();
  let items = 0;
  let heap = 0;
  let resident = 0;
  for await (const { kind } of readDataset(source, preview.format, mappingFor(preview))) {
    if (kind === 'item') items += 1;
    if (items % 5000 !== 0) continue;
    const usage = process.memoryUsage();
    heap = Math.max(heap, usage.heapUsed);
    resident = Math.max(resident, usage.rss);
  }
  const seconds = (performance.now() - begin) / 1000;
  console.log(
    `${items} records (${(source.size / 1e9).toFixed(2)} GB, layout ${preview.recognised?.layout}) streamed in ${seconds.toFixed(1)} s:` +
      ` ${Math.round(items / seconds)} a second, largest heap ${(heap / 2 ** 20).toFixed(0)} MB, resident ${(resident / 2 ** 20).toFixed(0)} MB`,
  );
}

if (rows > 0) await benchFrame();
if (streamed > 0) await benchStream();
