/**
 * `npm run debias-claim`: what the embedded model's correction does on preference pairs whose prompts it never trained on. A build
 * step that reads data from outside the repository; it writes figures alone, `public/sample/debias-claim.json`.
 *
 * The development split of `preferences.jsonl.gz` (the split by prompt of `npm run embedded`), every source and licence class, as
 * nothing but numbers leaves it: all pairs of about equal length up to 6,000 characters, and a sample of the others up to 3,000.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { debiasClaim } from '@/core/debias-claim.ts';
import { debiasFrontier, penaltiesOf } from '@/core/debias-frontier.ts';
import { comparisonsOf } from '@/core/scored-set.ts';
import { matchedTolerance } from '@/core/evaluation-report.ts';
import { codePoints } from '@/formats/code-points.ts';
import type { DatasetItem } from '@/formats/datasets/dataset.ts';
import type { DatasetEntry } from '@/formats/datasets/read-dataset.ts';
import { parseScoreLine } from '@/formats/score-lines.ts';
import { ResultCache } from '@/jobs/evaluation/result-cache.ts';
import { runEvaluation } from '@/jobs/evaluation/run-evaluation.ts';
import { readOptions, runCommand, standardError } from './arguments.ts';
import { parseJsonRecord } from './embedded/json-record.ts';
import { splitKeyOf, splitOf } from './embedded/records.ts';
import { hashFraction } from './embedded/seeded.ts';
import { diskFileStore } from './evaluate-run.ts';
import { createCliEngine } from './node-engine.ts';
import { ProgressBar } from './progress-bar.ts';
import { writeWhole } from './train-run.ts';

const usage = `Measures what the embedded model's verbosity correction does on preference pairs it never trained on.

  npm run debias-claim -- [--data DIR] [--model DIR] [--out FILE] [--others SHARE] [--results DIR] [--threads N]

  --data DIR        where preferences.jsonl.gz is (default: ../shared/data)
  --model DIR       the package (default: public/models/embedded)
  --out FILE        figures as JSON (default: public/sample/debias-claim.json)
  --others SHARE    share of the pairs of unequal length that is scored (default: 0.4)
  --results DIR     where scores are kept by batch (default: .cache/debias-claim)
  --threads N       threads inside one operator (default: one per core)
`;

/** Bounds on the time of the step: longer pairs are left out, whatever their answers. */
const mostCharacters = { equal: 6000, others: 3000 };
const resamples = 2000;
const seed = 20_261_124;

/** Pairs of the development split, in file order; equal in length first as far as characters can tell. */
async function developmentPairs(path: string, share: number): Promise<DatasetItem[]> {
  const items: DatasetItem[] = [];
  let row = 0;
  for await (const line of createInterface({
    input: createReadStream(path).pipe(createGunzip()),
    crlfDelay: Infinity,
  })) {
    row += 1;
    const parsed = parseScoreLine(line, row);
    if (parsed.kind !== 'pair') throw new Error(`${path}:${row} is no pair`);
    const { messages, chosen, rejected } = parsed;
    if (splitOf(splitKeyOf(parseJsonRecord(line, `${path}:${row}`), messages)) !== 'dev') continue;
    const context = messages.reduce((sum, { content }) => sum + content.length, 0);
    const [a, b] = [codePoints(chosen), codePoints(rejected)];
    // Tokens decide later what is matched; characters, with room, what is surely scored.
    const near = Math.abs(a - b) <= 2 * matchedTolerance * Math.max(a, b);
    const characters = context + chosen.length + rejected.length;
    if (characters > (near ? mostCharacters.equal : mostCharacters.others)) continue;
    if (!near && hashFraction('debias-claim', String(row)) >= share) continue;
    items.push({
      row,
      id: String(row),
      messages,
      responses: [
        { text: chosen, role: 'chosen' },
        { text: rejected, role: 'rejected' },
      ],
      extra: '',
    });
  }
  return items;
}

async function run(argv: readonly string[]): Promise<number> {
  const names = ['data', 'model', 'out', 'others', 'results', 'threads'];
  const values = readOptions(argv, Object.fromEntries(names.map((name) => [name, 'text' as const])));
  const share = values.number('others') ?? 0.4;
  const items = await developmentPairs(`${values.optional('data') ?? '../shared/data'}/preferences.jsonl.gz`, share);
  const threads = values.number('threads');
  const engine = createCliEngine(threads === undefined ? {} : { threads });
  try {
    const path = values.optional('model') ?? 'public/models/embedded';
    const { manifest, transform } = await engine.load({ kind: 'directory', path });
    const bar = new ProgressBar(process.stderr);
    const { set, rejected } = await runEvaluation({
      engine,
      model: { id: manifest.id, objectives: manifest.objectives.map(({ name }) => name) },
      entries: async function* (): AsyncGenerator<DatasetEntry> {
        for (const item of items) yield { kind: 'item', item };
      },
      cache: await ResultCache.open(
        await diskFileStore(values.optional('results') ?? '.cache/debias-claim'),
        manifest.id,
      ),
      features: false,
      texts: false,
      now: () => performance.now(),
      onProgress: ({ responses, totalResponses }) =>
        bar.update({ done: responses, total: totalResponses, unit: 'responses' }),
    });
    if (set === undefined) throw new Error('no pair could be scored');
    // Pairs of one prompt are not independent: they are resampled together.
    const prompts = new Map<string, number>();
    const promptOfItem = new Map(
      items.map(({ row, messages }) => {
        const key = JSON.stringify(messages);
        const prompt = prompts.get(key) ?? prompts.size;
        prompts.set(key, prompt);
        return [row, prompt];
      }),
    );
    const promptOf = set.sourceRows.map((row) => promptOfItem.get(row) ?? -1);
    const dimension = manifest.verbosityDimensions[0];
    if (dimension === undefined) throw new Error('the model has no verbosity objective');
    const claim = debiasClaim(set, transform, matchedTolerance, { resamples, seed }, promptOf);
    const report = {
      model: manifest.id,
      data: {
        split: 'dev',
        mostCharacters,
        unequalPairsSampled: share,
        pairs: items.length,
        prompts: prompts.size,
        notScored: rejected.length,
      },
      bootstrap: { resamples, seed, by: 'prompt' },
      claim,
      // The same correction scaled from nothing to half as much again: what each strength costs and leaves.
      frontier: debiasFrontier(set, comparisonsOf(set), penaltiesOf(transform, set.objectives.length, dimension)),
    };
    const out = values.optional('out') ?? 'public/sample/debias-claim.json';
    await writeWhole(out, new TextEncoder().encode(`${JSON.stringify(report, undefined, 1)}\n`));
    standardError.log(`${out}: ${claim.pairs} pairs, ${claim.matchedPairs} of about equal length.`);
    return 0;
  } finally {
    await engine.dispose();
  }
}

process.exitCode = await runCommand(() => run(process.argv.slice(2)), usage, standardError);
