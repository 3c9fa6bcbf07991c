/** Gives a package its identity and writes `armoscope.json`, after the same checks that every reader makes. */
import { type Manifest, MANIFEST_FILE } from '@/formats/manifest.ts';
import { manifestText, sealManifest } from '@/formats/package-heads.ts';
import { type PackageSink, writePackageFile } from './package-sink.ts';

/** @throws FormatError when the manifest would be refused by a reader. */
export async function writeManifest(sink: PackageSink, content: Omit<Manifest, 'id'>): Promise<Manifest> {
  const manifest = await sealManifest(content);
  await writePackageFile(sink, MANIFEST_FILE, manifestText(manifest));
  return manifest;
}
