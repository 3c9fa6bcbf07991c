/** Gives a package its identity and writes `armoscope.json`, after the same checks that every reader makes. */
import { manifestFiles, validateManifest } from '@/formats/manifest-checks.ts';
import { type Manifest, MANIFEST_FILE } from '@/formats/manifest.ts';
import { packageId } from '@/formats/model-package.ts';
import { type PackageSink, writePackageFile } from './package-sink.ts';

/** @throws FormatError when the manifest would be refused by a reader. */
export async function writeManifest(sink: PackageSink, content: Omit<Manifest, 'id'>): Promise<Manifest> {
  const hashes = manifestFiles({ ...content, id: '' }).map(({ entry }) => entry.sha256);
  const manifest = validateManifest({ ...content, id: await packageId(content.name, hashes) });
  await writePackageFile(sink, MANIFEST_FILE, `${JSON.stringify(manifest, undefined, 1)}\n`);
  return manifest;
}
