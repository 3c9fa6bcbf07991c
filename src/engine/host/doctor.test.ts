/** The doctor at load: true of every golden and of the embedded package, told the same as at conversion, and right about templates. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConvertTools } from '@/cli/convert-tools.ts';
import { diskFileSet } from '@/cli/disk-files.ts';
import { expandGolden, readGoldenFile, type GoldenName } from '@/cli/fixtures/golden-checkpoints.ts';
import { goldenPackage } from '@/cli/golden-packages.ts';
import { folderPackageSink } from '@/cli/node-files.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import type { DoctorFinding } from '@/core/doctor-findings.ts';
import { createNodeEngine } from './node-engine.ts';

const engine = createNodeEngine({ openDirectory: diskFileSet, threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armoscope-doctor-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true, force: true });
});

const load = async (path: string): Promise<readonly DoctorFinding[]> =>
  (await engine.load({ kind: 'directory', path })).findings;

function told(findings: readonly DoctorFinding[]) {
  return Object.fromEntries(
    findings.filter(({ severity }) => severity !== 'fine').map(({ code, severity }) => [code, severity]),
  );
}
const foundOf = (findings: readonly DoctorFinding[], code: string): string =>
  findings.find((finding) => finding.code === code)?.found ?? '';

/** Random weights, so nothing of training is wrong; what is true of each is in its golden's description. */
const goldens: readonly [GoldenName, Readonly<Record<string, DoctorFinding['severity']>>][] = [
  ['armorm-tiny-llama3', { 'gate-sum': 'note', 'dead-mass': 'note', transform: 'note', objectives: 'note' }],
  ['armorm-tiny-smollm', { 'dead-mass': 'note', transform: 'note', objectives: 'note' }],
  ['multidomain-tiny', { 'gate-sum': 'note', 'gate-mask': 'note', transform: 'note', objectives: 'note' }],
];

test.each(goldens)('%s', async (name, expected) => {
  const findings = await load(await goldenPackage(name));
  expect(told(findings)).toEqual(expected);
});

test('the embedded package', async () => {
  const findings = await load(fileURLToPath(new URL('../../../public/models/embedded', import.meta.url)));
  expect(told(findings)).toEqual({ 'dead-mass': 'note', transform: 'note', 'tied-embedding': 'note' });
  expect(foundOf(findings, 'transform')).toMatch(/helpsteer-verbosity is taken from the others with λ/);
});

const llama3Template = String(
  (JSON.parse(readGoldenFile('armorm-tiny-llama3', 'tokenizer_config.json').toString()) as Record<string, unknown>)[
    'chat_template'
  ],
);

describe('templates', () => {
  async function converted(
    chatTemplate: string,
  ): Promise<{ converted: readonly DoctorFinding[]; loaded: readonly DoctorFinding[] }> {
    const checkpoint = await mkdtemp(join(folder, 'checkpoint-'));
    const out = await mkdtemp(join(folder, 'package-'));
    await expandGolden('armorm-tiny-llama3', checkpoint);
    const tools = await createConvertTools();
    try {
      const options = {
        dtype: 'f32',
        layersPerStage: 2,
        name: 'changed',
        source: { name: 'changed' },
        chatTemplate,
      } as const;
      const report = await convertCheckpoint(diskFileSet(checkpoint), folderPackageSink(out), options, tools, {});
      return { converted: report.findings, loaded: await load(out) };
    } finally {
      await tools.dispose();
    }
  }

  test('a header that is always written is told, cut, and told the same at load', async () => {
    const header = "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}";
    const { converted: atConversion, loaded } = await converted(
      `${llama3Template.replace(/\{% if add_generation_prompt %\}[\s\S]*?\{% endif %\}/, '')}${header}`,
    );
    expect(loaded).toEqual(atConversion);
    expect(told(loaded)).toMatchObject({ 'generation-prompt': 'warning' });
    expect(foundOf(loaded, 'generation-prompt')).toContain('<|start_header_id|>assistant');
    expect(foundOf(loaded, 'gate-position')).toMatch(/before the response/);
  });

  test('a BOS that the template leaves out is told', async () => {
    const { converted: atConversion, loaded } = await converted(llama3Template.replace('{{ bos_token }}', ''));
    expect(loaded).toEqual(atConversion);
    expect(told(loaded)).toMatchObject({ bos: 'warning' });
  });
});
