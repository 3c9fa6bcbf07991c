/** `tsx e2e/make-packages.ts FOLDER`: the golden packages and the bad ones, where the test server serves them from. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { badPackages, writeBadPackage } from '@/cli/fixtures/bad-packages.ts';
import { goldenNames } from '@/cli/fixtures/golden-checkpoints.ts';
import { goldenPackage } from '@/cli/golden-packages.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder to write to.');
rmSync(folder, { recursive: true, force: true });
for (const name of goldenNames) cpSync(await goldenPackage(name), join(folder, name), { recursive: true });
for (const bad of badPackages)
  await writeBadPackage(bad, join(folder, 'armorm-tiny-smollm'), join(folder, 'bad', bad.name));
