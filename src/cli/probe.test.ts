/** `npm run probe` on files against scikit-learn 1.9.1: the authors' stage 1 (`armo-rm/stage-1_train.py`), its split included. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { spearman } from '@/core/rank-correlation.ts';
import { hash32 } from '@/core/dropout.ts';
import { readHeadParts } from '@/formats/head-files.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import { probeCommand } from './probe-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [rows, d, k] = [150, 12, 6];
/** Values that any language can make: lowbias32 of i + s · 0x9E3779B9, over 2³². */
const uniform = (index: number, stream: number) => hash32(index + Math.imul(stream, 0x9e37_79b9)) / 2 ** 32;
const embeddings = Float32Array.from({ length: rows * d }, (_, i) => 2 * uniform(i, 1) - 1);
const missing = [0, 0.3, 0.3, 0.9, 0.1, 0.5];
const labels = Float32Array.from({ length: rows * k }, (_, i) => {
  const [row, j] = [Math.floor(i / k), i % k];
  let sum = 0;
  for (let t = 0; t < d; t++) sum += embeddings[row * d + t]! * (2 * uniform(j * d + t, 2) - 1);
  return uniform(i, 4) < missing[j]! ? Number.NaN : sum + 0.5 * (2 * uniform(i, 3) - 1);
});

/** Made in Python from the same values: best α, held-out error, rows, first and last weight, sum of squared weights. */
const sklearn = [
  {
    alpha: 1,
    mse: 0.07705811781662877,
    rows: [120, 30],
    w: [-0.9292402586420326, 0.9437537334599057, 6.593847426083863],
  },
  {
    alpha: 1,
    mse: 0.05649994930030913,
    rows: [87, 18],
    w: [0.3243252949249739, -0.013248014283334312, 5.033634393065986],
  },
  {
    alpha: 1,
    mse: 0.1095867740984199,
    rows: [82, 25],
    w: [-0.7392568588889143, -0.9524827774154714, 4.972088459928084],
  },
  {
    alpha: 100,
    mse: 0.3743457078923413,
    rows: [8, 2],
    w: [0.0062863176655348525, -0.0035930267469378545, 0.0058752879251321374],
  },
  {
    alpha: 10,
    mse: 0.09082733487893133,
    rows: [110, 27],
    w: [-0.6481143253410846, 0.6865607253285727, 2.344896706314269],
  },
  {
    alpha: 1,
    mse: 0.06959240020026834,
    rows: [67, 15],
    w: [-0.47745506325082326, -0.21652921829050095, 3.90721922219209],
  },
];

function shard(name: string, from: number, to: number): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    writeSafetensors([
      { name: 'embeddings', dtype: 'F32', shape: [to - from, d], data: embeddings.slice(from * d, to * d) },
      { name: 'labels', dtype: 'F32', shape: [to - from, k], data: labels.slice(from * k, to * k) },
    ]),
  );
  return path;
}
const whole = shard('whole.safetensors', 0, rows);

async function probe(...args: string[]): Promise<{ exitCode: number; output: string }> {
  let output = '';
  const write = (text: string) => void (output += text);
  const exitCode = await probeCommand(args, { stream: { write }, log: (message) => write(`${message}\n`) });
  return { exitCode, output };
}
const heads = (path: string) => readHeadParts([memorySource('heads', new Uint8Array(readFileSync(path)))]);

interface Report {
  penalties: number[] | null;
  objectives: { alpha: number; validationMse: number; trainRows: number; validationRows: number; path: unknown[] }[];
}

describe('the authors’ split', () => {
  const [out, reportPath] = [join(folder, 'heads.safetensors'), join(folder, 'report.json')];

  test('α, errors, rows and weights are scikit-learn’s, primal and dual', async () => {
    const { exitCode, output } = await probe('--features', whole, '--out', out, '--report', reportPath);
    expect(exitCode, output).toBe(0);
    const report = JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
    const { regression } = await heads(out);
    for (const [j, expected] of sklearn.entries()) {
      const found = report.objectives[j]!;
      expect(found).toMatchObject({
        alpha: expected.alpha,
        trainRows: expected.rows[0],
        validationRows: expected.rows[1],
      });
      expect(found.path).toHaveLength(9);
      expect(Math.abs(found.validationMse - expected.mse)).toBeLessThan(1e-8);
      const row = regression!.subarray(j * d, (j + 1) * d);
      const figures = [row[0]!, row.at(-1)!, row.reduce((sum, w) => sum + w * w, 0)];
      // f32 in the file.
      for (const [i, figure] of figures.entries()) expect(figure).toBeCloseTo(expected.w[i]!, 6);
    }
  });

  test('Eq 3: no objective is rank-correlated with verbosity any more, in the file as written', async () => {
    const { regression, transform } = await heads(out);
    const reward = (row: number, j: number) => {
      let sum = 0;
      for (let t = 0; t < d; t++) sum += embeddings[row * d + t]! * regression![j * d + t]!;
      return sum;
    };
    const all = Array.from({ length: rows }, (_, row) => row);
    const verbosity = Float64Array.from(all, (row) => reward(row, 4));
    for (const j of [0, 1, 2, 3, 5]) {
      const adjusted = Float64Array.from(all, (row) => reward(row, j) + reward(row, 4) * transform![4 * k + j]!);
      // One crossing of two rows changes ρ by 2 · 6 / n³ at the least; the root lies between two such steps.
      expect(Math.abs(spearman(adjusted, verbosity))).toBeLessThan(2e-3);
    }
    expect(transform![4 * k + 4]).toBe(0);
  });

  test('shards in any order give the same file', async () => {
    const shards = [
      shard('part-10.safetensors', 120, rows),
      shard('part-2.safetensors', 40, 120),
      shard('part-1.safetensors', 0, 40),
    ];
    const other = join(folder, 'other.safetensors');
    const { exitCode, output } = await probe('--features', shards.join(), '--out', other);
    expect(exitCode, output).toBe(0);
    expect(readFileSync(other)).toEqual(readFileSync(out));
  });
});

describe('choices', () => {
  const out = join(folder, 'choice.safetensors');
  test('no verbosity objective: M is the identity', async () => {
    const { output } = await probe('--features', whole, '--out', out, '--verbosity', 'none');
    expect(output).toContain('M is the identity');
    const { transform } = await heads(out);
    expect([...transform!]).toEqual(Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0)));
  });

  test('own α, own split, a reference set of pairs', async () => {
    const pairs = join(folder, 'pairs.safetensors');
    const data = embeddings.slice(0, 40 * 2 * d);
    writeFileSync(
      pairs,
      writeSafetensors([
        { name: 'embeddings', dtype: 'F32', shape: [40, 2, d], data },
        { name: 'prompt_embeddings', dtype: 'F32', shape: [40, d], data: embeddings.slice(0, 40 * d) },
      ]),
    );
    const report = join(folder, 'choice.json');
    const args = ['--features', whole, '--out', out, '--report', report, '--reference', pairs];
    const { exitCode, output } = await probe(...args, '--alphas', '3', '--seed', '4', '--val-split', '0.4');
    expect(exitCode, output).toBe(0);
    const { objectives, penalties } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    expect(objectives[0]).toMatchObject({ alpha: 3, validationRows: 60 });
    expect(penalties).toHaveLength(k);
  });
});

describe('wrong arguments and files', () => {
  const out = ['--out', join(folder, 'never')];
  test.each([
    ['help', ['--help'], 0, /--alphas LIST/],
    ['no features', out, 2, /--features is missing/],
    ['an impossible α', ['--features', whole, ...out, '--alphas', '1,0'], 2, /--alphas must be positive/],
    ['an objective that is not there', ['--features', whole, ...out, '--verbosity', '6'], 1, /no objective 6/],
    ['a folder that is not there', ['--features', whole, '--out', join(folder, 'no', 'x')], 2, /there is no folder/],
  ] as const)('%s', async (_name, args, exitCode, says) => {
    const outcome = await probe(...args);
    expect(outcome.output).toMatch(says);
    expect(outcome.exitCode).toBe(exitCode);
  });
});
