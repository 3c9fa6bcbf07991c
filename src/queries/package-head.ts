/**
 * The head of the chosen package, read from its file: the engine keeps its own copy in its worker. Only views that are fetched when
 * they are opened import this, so the readers come with them and are there when the network is gone.
 */
import type { RewardHead } from '@/core/reward-head.ts';
import { blobFileSet } from '@/formats/blob-source.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { openEntry, openPackage, readHeads } from '@/formats/model-package.ts';
import { modelSource, type ModelChoice } from '@/state/model-choice.ts';

/** @throws Error for a folder known by its path alone, which a page cannot open. */
export function packageFiles(choice: ModelChoice): FileSet {
  const source = modelSource(choice, document.baseURI);
  if (source.kind === 'directory') throw new Error('The model in use has no files here.');
  return source.kind === 'url' ? urlFileSet(source.url) : blobFileSet(source.name, source.files);
}

/** @throws FormatError naming the file and what is wrong with it. */
export async function openChosenPackage(choice: ModelChoice): Promise<{ readonly manifest: Manifest }> {
  return openPackage(packageFiles(choice));
}

/** @param manifest of the chosen package. @throws FormatError naming the file and what is wrong with it. */
export async function readPackageHead(
  choice: ModelChoice,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<RewardHead> {
  return readHeads(await openEntry(packageFiles(choice), manifest.heads, signal), manifest, signal);
}
