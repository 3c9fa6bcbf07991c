/**
 * `npm run bench:quantisation`: ways of storing the linear layers, by what they do to scores and by their size.
 *
 * On the embedded backbone with weights that lie on no grid (`quantisation/unrounded.ts`) and the texts we wrote; everything in f32
 * arithmetic, so that only the rounding of weights is seen. `--pairs N` takes the N shortest pairs alone, as the time goes with the
 * tokens; `--only PATTERN` some of the forms. Deterministic. Prints a table in Markdown.
 */
import { parseArgs } from 'node:util';
import { defined } from '@/base/assert.ts';
import type { TemplateMessage } from '@/convert/model-tokens.ts';
import type { SequenceRows } from '@/convert/reference-pass.ts';
import { openEmbeddingTable } from '@/formats/embedding-table.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import { marginNoise } from '@/formats/score-noise.ts';
import { examples } from '@/samples/examples.ts';
import { createConvertTools } from './convert-tools.ts';
import { diskFileSet } from './disk-files.ts';
import { readWrittenPairs, WRITTEN_PAIRS_FILE } from './embedded/written-pairs.ts';
import { allCandidates } from './quantisation/candidates.ts';
import { type Measured, measureCandidates } from './quantisation/measure.ts';
import { type BackboneWeights, readPackageLayers } from './quantisation/package-layers.ts';
import { dithered, folded } from './quantisation/unrounded.ts';

const MODEL = 'public/models/embedded';
const { values } = parseArgs({
  options: { weights: { type: 'string', default: 'dithered' }, only: { type: 'string' }, pairs: { type: 'string' } },
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
const { sequences, pairs } = await readTexts();
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
      pairs,
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

/** The written pairs and the examples: every response once, and beside the first one to its prompt. */
async function readTexts(): Promise<{ sequences: SequenceRows[]; pairs: [number, number][] }> {
  const tokenizerJson = await readJsonFile(await openEntry(files, manifest.tokenizer), Infinity);
  const tokenizerConfig = await readJsonFile(await openEntry(files, manifest.tokenizerConfig), Infinity);
  const encoder = tools.chatEncoder(manifest, tokenizerJson, tokenizerConfig);
  const written = await readWrittenPairs(WRITTEN_PAIRS_FILE);
  const texts: { prompt: readonly TemplateMessage[]; responses: readonly string[] }[] = [
    ...written.map(({ prompt, chosen, rejected }) => ({ prompt, responses: [chosen, rejected] })),
    ...examples.map(({ system, turns, responses }) => ({
      prompt: [
        ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
        ...turns.map((content, turn) => ({
          role: turn % 2 === 0 ? ('user' as const) : ('assistant' as const),
          content,
        })),
      ],
      responses,
    })),
  ];
  const encoded = texts.map(({ prompt, responses }) =>
    responses.map((response): SequenceRows => {
      const { tokenIds, scoredIndex, gateIndex } = encoder.encode(prompt, response);
      return { tokenIds, rows: [scoredIndex, gateIndex] };
    }),
  );
  const found = encoded.flatMap(([first, ...rest]) =>
    rest.map((other) => [defined(first, 'a response'), other] as const),
  );
  const length = (pair: readonly SequenceRows[]): number =>
    pair.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  const chosen = found.toSorted((a, b) => length(a) - length(b)).slice(0, Number(values.pairs ?? Infinity));
  const all = [...new Set(chosen.flat())];
  return { sequences: all, pairs: chosen.map(([one, other]) => [all.indexOf(one), all.indexOf(other)]) };
}

function printTable(kind: string, [, ...measured]: readonly Measured[]): void {
  const tokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  console.log(
    `\nWeights ${kind}; ${pairs.length} pairs, ${tokens} tokens; noise of a verdict ${noise.deviation.toPrecision(3)}\n`,
  );
  console.log(
    '| form | bits a weight | weights off by | hidden state off by | margin error, verdict noises | the same at 5 bits | ns a weight |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const each of measured) {
    const { name, bitsPerWeight, weightError, featureError, marginDeviation, marginUncertainty, roundingNs } = each;
    const error = marginDeviation / noise.deviation;
    // Where the rest stays f32 the size says nothing.
    const sized = (text: string): string => (name.startsWith('only') ? '–' : text);
    const cells = [
      name,
      sized(bitsPerWeight.toFixed(2)),
      weightError.toFixed(4),
      featureError.toFixed(4),
      `${error.toFixed(2)} ± ${(marginUncertainty / noise.deviation).toFixed(2)}`,
      // A bit more halves a step, and so the error: what this form's error comes to at the default's size.
      sized((error * 2 ** (bitsPerWeight - 5)).toFixed(2)),
      roundingNs.toFixed(0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
