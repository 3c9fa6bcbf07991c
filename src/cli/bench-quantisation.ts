/**
 * `npm run bench:quantisation`: ways of storing the linear layers, by what they do to scores and by their size.
 *
 * On the embedded backbone with weights that lie on no grid (`quantisation/unrounded.ts`) and the pairs we wrote; everything in f32
 * arithmetic, so that only the rounding of weights is seen. Deterministic. Prints a table in Markdown.
 */
import { parseArgs } from 'node:util';
import { defined } from '@/base/assert.ts';
import type { SequenceRows } from '@/convert/reference-pass.ts';
import { openEmbeddingTable } from '@/formats/embedding-table.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import { marginNoise } from '@/formats/score-noise.ts';
import { createConvertTools } from './convert-tools.ts';
import { diskFileSet } from './disk-files.ts';
import { readWrittenPairs, WRITTEN_PAIRS_FILE } from './embedded/written-pairs.ts';
import { allCandidates } from './quantisation/candidates.ts';
import { type Measured, measureCandidates } from './quantisation/measure.ts';
import { type BackboneWeights, readPackageLayers } from './quantisation/package-layers.ts';
import { dithered, folded } from './quantisation/unrounded.ts';

const MODEL = 'public/models/embedded';
/** The shortest of the pairs, by characters: the time goes with the tokens. */
const PAIRS = 8;

const { values } = parseArgs({
  options: { weights: { type: 'string', default: 'dithered' }, only: { type: 'string' } },
});
const startedAt = performance.now();
const files = diskFileSet(MODEL);
const { manifest } = await openPackage(files);
const { architecture } = manifest;
const noise = defined(marginNoise(manifest), 'the noise of the embedded model');
const head = await readHeads(await openEntry(files, manifest.heads), manifest);
const table = await openEmbeddingTable(await openEntry(files, manifest.embedding), architecture);
const original = await readPackageLayers(files, manifest);
const unrounded: Readonly<Record<string, () => BackboneWeights>> = {
  dithered: () => dithered(original),
  folded: () => folded(original, architecture),
};
const tools = await createConvertTools();
const sequences = await readSequences();
const embedded = await Promise.all(sequences.map(({ tokenIds }) => table.lookup(tokenIds)));
const pattern = new RegExp(values.only ?? '.');
const candidates = allCandidates(architecture.layers).filter(({ name }, i) => i === 0 || pattern.test(name));

for (const kind of values.weights.split(',')) {
  const measured = await measureCandidates(
    {
      weights: defined(unrounded[kind], `weights ${kind}`)(),
      architecture,
      head,
      sequences,
      embedded,
      runner: tools.stageRunner,
      onLayer: (layer) =>
        process.stderr.write(`\r${kind}: layer ${layer + 1} of ${architecture.layers}, ${elapsedSeconds()} s `),
    },
    candidates,
  );
  process.stderr.write('\n');
  printTable(kind, measured);
}
await tools.dispose();

function elapsedSeconds(): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0);
}

async function readSequences(): Promise<SequenceRows[]> {
  const tokenizerJson = await readJsonFile(await openEntry(files, manifest.tokenizer), Infinity);
  const tokenizerConfig = await readJsonFile(await openEntry(files, manifest.tokenizerConfig), Infinity);
  const encoder = tools.chatEncoder(manifest, tokenizerJson, tokenizerConfig);
  const length = ({ prompt, chosen, rejected }: Awaited<ReturnType<typeof readWrittenPairs>>[number]): number =>
    2 * prompt.reduce((sum, { content }) => sum + content.length, 0) + chosen.length + rejected.length;
  const pairs = (await readWrittenPairs(WRITTEN_PAIRS_FILE)).toSorted((a, b) => length(a) - length(b)).slice(0, PAIRS);
  return pairs.flatMap(({ prompt, chosen, rejected }) =>
    [chosen, rejected].map((response) => {
      const { tokenIds, scoredIndex, gateIndex } = encoder.encode(prompt, response);
      return { tokenIds, rows: [scoredIndex, gateIndex] };
    }),
  );
}

function printTable(kind: string, [, ...measured]: readonly Measured[]): void {
  const tokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  console.log(
    `\nWeights ${kind}; ${sequences.length / 2} pairs, ${tokens} tokens; noise of a verdict ${noise.deviation.toPrecision(3)}\n`,
  );
  console.log('| form | bits a weight | weights off by | hidden state off by | margin error, verdict noises |');
  console.log('|---|---|---|---|---|');
  for (const { name, bitsPerWeight, weightError, featureError, marginDeviation } of measured) {
    const cells = [
      name,
      bitsPerWeight.toFixed(2),
      weightError.toFixed(4),
      featureError.toFixed(4),
      (marginDeviation / noise.deviation).toFixed(2),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
