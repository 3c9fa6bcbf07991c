/**
 * `npm run record-examples`: scores every example with the embedded package and writes the results that the page shows before the
 * model is loaded, to `src/samples/recorded/`; the written pairs likewise, to `public/sample/`. Run it after every change of the package or of an example.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toInspectionResult } from '@/formats/inspection-numbers.ts';
import { packageSha256 } from '@/formats/model-package.ts';
import { examples } from '@/samples/examples.ts';
import { firstExample } from '@/samples/first-example.ts';
import { embeddedPackage, exampleMessages } from './example-scores.ts';
import { createCliEngine } from './node-engine.ts';
import { recordWrittenPairs } from './record-pairs.ts';

/** What the f32 backbone is good for; more would only make the first script longer. */
const RECORDED_DIGITS = 9;

const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(RECORDED_DIGITS)) : value;

const folder = fileURLToPath(new URL('../samples/recorded/', import.meta.url));
const engine = createCliEngine();
try {
  const loaded = await engine.load({ kind: 'directory', path: embeddedPackage }, { provider: 'native' });
  const { canaries: _, ...manifest } = loaded.manifest;
  const model = {
    manifest,
    packageSha256: await packageSha256(loaded.manifest),
    transform: [...loaded.transform],
    provider: loaded.provider,
  };
  const recordings = [];
  for (const example of examples) {
    const { responses } = await engine.score({ messages: exampleMessages(example), responses: example.responses });
    const results = responses.map((scored, index) => ({
      ...toInspectionResult(index, scored),
      // How long the recording machine took says nothing to anyone.
      timings: { tokenizeMs: 0, backboneMs: 0, headsMs: 0 },
    }));
    recordings.push({ name: example.name, results });
    console.log(`${example.name}: ${responses.map(({ score }) => score.toFixed(4)).join('  ')}`);
  }
  mkdirSync(folder, { recursive: true });
  const [first, ...others] = recordings;
  if (first?.name !== firstExample.name) throw new Error('the first example must come first');
  writeFileSync(`${folder}first.json`, `${JSON.stringify({ model, ...first }, rounded)}\n`);
  writeFileSync(`${folder}others.json`, `${JSON.stringify(others, rounded)}\n`);
  await recordWrittenPairs(engine, loaded, rounded);
} finally {
  await engine.dispose();
}
