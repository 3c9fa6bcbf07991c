/** `tsx e2e/make-packages.ts FOLDER`: the golden packages and the bad ones, where the test server serves them from. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { badPackages, readManifest, writeBadPackage } from '@/cli/fixtures/bad-packages.ts';
import { goldenNames } from '@/cli/fixtures/golden-checkpoints.ts';
import { goldenPackage } from '@/cli/golden-packages.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder to write to.');
rmSync(folder, { recursive: true, force: true });
for (const name of goldenNames) cpSync(await goldenPackage(name), join(folder, name), { recursive: true });
for (const bad of badPackages)
  await writeBadPackage(bad, join(folder, 'armorm-tiny-smollm'), join(folder, 'bad', bad.name));

// A template that always opens the next answer: scores stay right, and the doctor warns. Only the manifest changes.
const troubled = join(folder, 'always-header');
cpSync(join(folder, 'armorm-tiny-smollm'), troubled, { recursive: true });
const manifest = readManifest(troubled);
const chatTemplate = `${manifest.tokens.chatTemplate}{{ '<|im_start|>assistant\\n' }}`;
writeFileSync(
  join(troubled, MANIFEST_FILE),
  JSON.stringify({ ...manifest, name: 'always-header', tokens: { ...manifest.tokens, chatTemplate } }),
);
