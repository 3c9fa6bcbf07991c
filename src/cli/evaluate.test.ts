/** `npm run evaluate` on the golden packages, on a written file of every layout, and on scored files. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluationReport } from '@/core/evaluation-report.ts';
import { comparisonsOf } from '@/core/scored-set.ts';
import { datasetFiles, pairsFile, rewardBenchFile, unknownFile } from '@/formats/datasets/test-datasets.ts';
import { readScoredSet } from '@/formats/scored-set.ts';
import { diskSource } from './disk-files.ts';
import { evaluateCommand } from './evaluate-command.ts';
import type { EvaluationFileReport } from './evaluate-run.ts';
import { goldenPackage } from './golden-packages.ts';
import { createCliEngine } from './node-engine.ts';
import { scoreFile } from './score-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-evaluate-'));
let model: string;
beforeAll(async () => {
  model = await goldenPackage('armorm-tiny-smollm');
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string) => join(folder, name);
function written(name: string, text: string): string {
  writeFileSync(file(name), text);
  return file(name);
}

interface Outcome {
  readonly exitCode: number;
  readonly log: string;
  readonly printed: string;
  readonly report: EvaluationFileReport | undefined;
}
let runs = 0;
async function evaluate(...argv: readonly string[]): Promise<Outcome> {
  const reportPath = argv.includes('--report')
    ? argv[argv.indexOf('--report') + 1]!
    : file(`report-${(runs += 1)}.json`);
  let log = '';
  let printed = '';
  const terminal = {
    stream: { write: (text: string) => (log += text) },
    log: (message: string) => (log += `${message}\n`),
  };
  const all = argv.includes('--help') || argv.includes('--report') ? argv : [...argv, '--report', reportPath];
  const exitCode = await evaluateCommand(
    [...all, ...(argv.includes('--help') ? [] : ['--resamples', '10'])],
    terminal,
    (text) => (printed += text),
  );
  const report = existsSync(reportPath)
    ? (JSON.parse(readFileSync(reportPath, 'utf8')) as EvaluationFileReport)
    : undefined;
  return { exitCode, log, printed, report };
}

describe('a dataset of every layout', () => {
  test.each(Object.entries(datasetFiles))('%s', async (layout, text) => {
    const { exitCode, report, printed, log } = await evaluate(
      '--model',
      model,
      '--input',
      written(`${layout}.data`, text),
      '--threads',
      '1',
    );
    expect(log).toContain(`layout ${layout}`);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      format: 'armoscope-evaluation',
      source: 'dataset',
      layout,
      rejected: 0,
      penalties: 'paper',
    });
    expect(report?.results.rows).toBeGreaterThan(0);
    expect(printed).toContain(`${report?.results.rows} responses in ${report?.results.groups} items`);
  });

  test('an unknown layout by a mapping', async () => {
    const input = written('unknown.csv', unknownFile);
    const refused = await evaluate('--model', model, '--input', input);
    expect(refused.exitCode).toBe(1);
    expect(refused.log).toMatch(/no known layout/);
    const mapping = {
      shape: 'pair',
      prompt: 'User Prompt',
      chosen: 'Good Response',
      rejected: 'Bad Response',
      subset: 'Topic',
    };
    const { report } = await evaluate('--model', model, '--input', input, '--mapping', JSON.stringify(mapping));
    expect(report?.results.subsets.map(({ name }) => name)).toEqual(['physics', 'talk']);
  });

  test('records that cannot be used are counted, written out, and change the exit code', async () => {
    const input = written('bad.jsonl', `${pairsFile}{"prompt":"p","chosen":"a"}\nnot json\n`);
    const { exitCode, report, log } = await evaluate(
      '--model',
      model,
      '--input',
      input,
      '--rejected',
      file('bad.out.jsonl'),
    );
    expect(exitCode).toBe(3);
    expect(report?.rejected).toBe(2);
    expect(log).toMatch(/row 3, rejected: is missing/);
    const listed = readFileSync(file('bad.out.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(listed).toMatchObject([
      { row: 3, field: 'rejected' },
      { row: 4, text: 'not json' },
    ]);
  });

  test('only some of it', async () => {
    const input = written('some.jsonl', rewardBenchFile);
    const limited = await evaluate('--model', model, '--input', input, '--limit', '2');
    expect(limited.report?.results.groups).toBe(2);
    const subset = await evaluate('--model', model, '--input', input, '--subset', 'hep-rust,math-prm');
    expect(subset.report?.results.subsets.map(({ name }) => name).sort()).toEqual(['hep-rust', 'math-prm']);
    expect(subset.report?.results.rewardBench?.missing).toContain('Chat');
    const none = await evaluate('--model', model, '--input', input, '--subset', 'nope');
    expect(none.exitCode).toBe(1);
    expect(none.log).toMatch(/no item of these subsets/);
  });
});

describe('scored files', () => {
  test('an export says the same as the dataset did, without a model, in every format', async () => {
    const input = written('again.jsonl', rewardBenchFile);
    const results = file('again.results');
    const reports: (EvaluationFileReport | undefined)[] = [];
    for (const format of ['parquet', 'jsonl', 'csv']) {
      const path = file(`again.${format}`);
      const first = await evaluate('--model', model, '--input', input, '--export', path, '--results', results);
      const second = await evaluate('--input', path);
      expect(second.exitCode).toBe(0);
      expect(second.report?.source).toBe('scored file');
      expect(second.report?.results.overall).toEqual(first.report?.results.overall);
      expect(second.report?.results.objectives).toEqual(first.report?.results.objectives);
      expect(second.report?.debias?.before).toEqual(first.report?.debias?.before);
      reports.push(second.report);
    }
    expect(reports[0]?.results).toEqual(reports[1]?.results);
    // CSV has no transform, so no adjusted objectives.
    expect(reports[2]?.results.adjustedObjectives).toBeUndefined();
    expect(readdirSync(results)).toHaveLength(1);
  });

  test('what npm run score wrote gives the same figures', async () => {
    const input = written('score.jsonl', rewardBenchFile);
    const engine = createCliEngine({ threads: 1 });
    try {
      const loaded = await engine.load({ kind: 'directory', path: model });
      const outputPath = file('score.out.jsonl');
      const source = await diskSource(input);
      await scoreFile({ engine, model: loaded, input: source!, outputPath, onStart() {}, onProgress() {}, log() {} });
    } finally {
      await engine.dispose();
    }
    const fromScores = await evaluate('--model', model, '--input', file('score.out.jsonl'));
    const fromDataset = await evaluate('--model', model, '--input', input);
    expect(fromScores.report?.source).toBe('scored file');
    expect(fromScores.report?.objectives).toEqual(fromDataset.report?.objectives);
    const overall = (report: EvaluationFileReport | undefined) => report?.results.overall;
    expect(overall(fromScores.report)?.accuracy).toBe(overall(fromDataset.report)?.accuracy);
    expect(fromScores.report?.results.calibration.brier).toBeCloseTo(fromDataset.report!.results.calibration.brier, 6);
  });

  test('the model must be the one that made it', async () => {
    const path = file('other.jsonl');
    await evaluate('--model', model, '--input', written('mine.jsonl', pairsFile), '--export', path);
    const other = await goldenPackage('armorm-tiny-llama3');
    const refused = await evaluate('--model', other, '--input', path);
    expect(refused.exitCode).toBe(2);
    expect(refused.log).toMatch(/was scored by armorm-tiny-smollm/);
  }, 240_000);
});

test('penalties: none is g · r, exact takes the correlation with verbosity to zero', async () => {
  const texts = Array.from({ length: 12 }, (_, i) => `Answer ${i}${' with some more words'.repeat(i)}.`);
  const input = written(
    'penalties.jsonl',
    texts
      .map(
        (text, i) =>
          `${JSON.stringify({ prompt: `Question ${i % 4}`, chosen: text, rejected: texts[(i * 5 + 3) % 12] })}\n`,
      )
      .join(''),
  );
  const results = file('penalties.results');
  const exported = file('penalties.parquet');
  const all = ['--model', model, '--input', input, '--results', results];
  const paper = await evaluate(...all, '--export', exported);
  const none = await evaluate(...all, '--penalties', 'none');
  const exact = await evaluate(...all, '--penalties', 'exact');
  const { set } = await readScoredSet((await diskSource(exported))!);
  const k = set.objectives.length;
  const raw = Float64Array.from({ length: set.rows }, (_, row) => {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += set.gateWeights[set.promptOf[row]! * k + j]! * set.rewards[row * k + j]!;
    return sum;
  });
  const wins = comparisonsOf(set).chosen.filter((a, i) => raw[a]! > raw[comparisonsOf(set).rejected[i]!]!).length;
  expect(none.report?.results.overall.wins).toBe(wins);
  expect(paper.report?.results.overall.accuracy).toBe(evaluationReport(set).overall.accuracy);
  const verbosity = exact.report!.debias!.verbosity;
  expect(set.objectives[verbosity]).toMatch(/verbosity/);
  const left = exact
    .report!.debias!.after!.filter((_, j) => j !== verbosity)
    .map(({ withVerbosity }) => Math.abs(withVerbosity.spearman.value));
  // One step of Spearman's ρ among 24 rows.
  expect(Math.max(...left)).toBeLessThan(0.1);
});

describe('arguments', () => {
  test('--help', async () => {
    const { exitCode, log } = await evaluate('--help');
    expect(exitCode).toBe(0);
    expect(log).toMatch(/npm run evaluate -- --model DIR --input FILE --report OUT.json/);
  });

  test.each([
    [['--model', 'x'], /--input is missing/],
    [['--input', '/nowhere/x.jsonl'], /there is no file/],
    [['--input', 'x', '--report', '/nowhere/x.json'], /There is no folder \/nowhere/],
    [['--input', 'x', '--export', 'scores.txt'], /must end with .parquet, .jsonl or .csv/],
    [['--input', 'x', '--limit', '0'], /--limit must be a whole number of at least 1/],
    [['--input', 'x', '--penalties', 'all'], /--penalties must be paper, none, exact/],
    [['--input', 'x', '--mapping', '{'], /--mapping is not valid JSON/],
    [['--input', 'x', '--mapping', '{"shape":"square"}'], /"shape" is pair/],
    [['--input', 'x', '--mapping', '{"shape":"pair","chosen":1}'], /"chosen" must be the name of a column/],
  ])('%j', async (argv, message) => {
    const { exitCode, log } = await evaluate(...argv);
    expect(exitCode).toBe(2);
    expect(log).toMatch(message);
  });

  test('a dataset without a model', async () => {
    const { exitCode, log } = await evaluate('--input', written('alone.jsonl', pairsFile));
    expect(exitCode).toBe(2);
    expect(log).toMatch(/--model is missing: alone.jsonl is a dataset/);
  });
});
