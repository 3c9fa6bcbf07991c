/** Whole models against the goldens, through converter, engine and scoring of files: natively, on wasm, and quantised. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Provider } from '@/engine/api/messages.ts';
import { diskSource } from './disk-files.ts';
import { goldenInputPath, goldenNames, readGolden } from './fixtures/golden-checkpoints.ts';
import type { GoldenName } from './fixtures/golden-checkpoints.ts';
import { goldenPackage } from './golden-packages.ts';
import { createCliEngine } from './node-engine.ts';
import { scoreFile } from './score-file.ts';

/** The first run converts; wasm takes seconds where it has the machine to itself. */
const timeout = 300_000;
const folder = mkdtempSync(join(tmpdir(), 'armoscope-goldens-'));
afterAll(() => rmSync(folder, { recursive: true }));

const keys = ['rewards', 'adjustedRewards', 'gateWeights', 'coefficients', 'score'] as const;
type Line = { readonly id: string; readonly tokens: number; readonly score: number } & Readonly<
  Record<Exclude<(typeof keys)[number], 'score'>, readonly number[]>
>;

async function scoreGolden(name: GoldenName, model: string, provider: Provider): Promise<readonly Line[]> {
  const engine = createCliEngine();
  try {
    const loaded = await engine.load({ kind: 'directory', path: model }, { provider });
    const input = await diskSource(goldenInputPath);
    if (input === undefined) throw new Error('the fixture is missing');
    const outputPath = join(folder, `${name}-${provider}-${loaded.manifest.dtype}.jsonl`);
    const result = await scoreFile({
      engine,
      model: loaded,
      input,
      outputPath,
      onStart() {},
      onProgress() {},
      log() {},
    });
    expect(result).toMatchObject({ lines: 16, badLines: 0 });
    const lines = readFileSync(outputPath, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Line);
  } finally {
    await engine.dispose();
  }
}

/** Largest |difference| from the golden, by field. */
function worstErrors(name: GoldenName, lines: readonly Line[]): Record<(typeof keys)[number], number> {
  const { cases } = readGolden(name);
  expect(lines.map(({ tokens }) => tokens)).toEqual(cases.map(({ input_ids }) => input_ids.length));
  const worst = (key: (typeof keys)[number]): number =>
    Math.max(
      ...cases.map((expected, i) => {
        const [want, got] = [[expected[key]].flat(), [lines[i]?.[key] ?? Number.NaN].flat()];
        expect(got).toHaveLength(want.length);
        return Math.max(...want.map((value, j) => Math.abs(value - (got[j] ?? Number.NaN))));
      }),
    );
  return {
    rewards: worst('rewards'),
    adjustedRewards: worst('adjustedRewards'),
    gateWeights: worst('gateWeights'),
    coefficients: worst('coefficients'),
    score: worst('score'),
  };
}

describe.each(goldenNames)('%s in f32', (name) => {
  const { tolerance } = readGolden(name).meta;

  it.each(['native', 'wasm'] as const)('agrees with the reference on %s', { timeout }, async (provider) => {
    const errors = worstErrors(name, await scoreGolden(name, await goldenPackage(name), provider));
    console.log(`${name} f32 ${provider}: worst |error| ${JSON.stringify(errors)}`);
    expect(errors.rewards).toBeLessThan(tolerance.rewards);
    expect(errors.adjustedRewards).toBeLessThan(tolerance.rewards);
    expect(errors.gateWeights).toBeLessThan(tolerance.gateWeights);
    expect(errors.coefficients).toBeLessThan(tolerance.gateWeights);
    expect(errors.score).toBeLessThan(tolerance.score);
  });
});

/** q4 for every golden; q8 for one, as it differs only in its bits. */
const quantised = [...goldenNames.map((name) => [name, 'q4'] as const), ['armorm-tiny-smollm', 'q8'] as const];

describe.each(quantised)('%s in %s', (name, dtype) => {
  it('states its error against f32', { timeout }, async () => {
    const lines = await scoreGolden(name, await goldenPackage(name, dtype), 'native');
    const errors = worstErrors(name, lines);
    const { cases } = readGolden(name);
    const rewards = cases.flatMap((golden) => golden.rewards);
    const spread = rootMeanSquare(rewards.map((value) => value - rewards.reduce((a, b) => a + b, 0) / rewards.length));
    const differences = cases.flatMap((golden, i) =>
      golden.rewards.map((value, j) => value - (lines[i]?.rewards[j] ?? NaN)),
    );
    const typical = rootMeanSquare(differences);
    console.log(
      `${name} ${dtype} against f32: rewards rms ${typical.toPrecision(3)} (${((100 * typical) / spread).toPrecision(3)} % of ` +
        `their spread ${spread.toPrecision(3)}), worst ${errors.rewards.toPrecision(3)}; worst gate weight ` +
        `${errors.gateWeights.toPrecision(3)}, worst score ${errors.score.toPrecision(3)}`,
    );
    // Random weights of width 64-96 have no structure that would hide rounding. The bounds tell a broken form from an honest one.
    expect(typical / spread).toBeLessThan(dtype === 'q4' ? 0.4 : 0.05);
  });
});

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
}
