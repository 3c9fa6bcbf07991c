/** `tsx e2e/make-packages.ts FOLDER`: the golden packages and the bad ones, where the test server serves them from. */
import { join } from 'node:path';
import { badPackages, writeBadPackage } from '@/cli/fixtures/bad-packages.ts';
import { goldenNames } from '@/cli/fixtures/golden-checkpoints.ts';
import { makeGoldenPackage } from '@/cli/golden-packages.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder to write to.');
for (const name of goldenNames) await makeGoldenPackage(name, join(folder, name));
for (const bad of badPackages)
  await writeBadPackage(bad, join(folder, 'armorm-tiny-smollm'), join(folder, 'bad', bad.name));
