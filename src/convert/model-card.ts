/** The licence that a checkpoint's model card (`README.md`) states in its front matter, as the hub reads it. */
import type { FileSet } from '@/formats/byte-source.ts';

const CARD_FILE = 'README.md';
/** Front matter stands first and is short; the rest of a card is never needed. */
const READ_BYTES = 64 * 1024;

/** @returns `undefined` where there is no card or it states none. */
export async function licenceOf(checkpoint: FileSet, signal?: AbortSignal): Promise<string | undefined> {
  const source = await checkpoint.open(CARD_FILE, signal);
  if (source === undefined) return undefined;
  const text = new TextDecoder().decode(await source.read(0, Math.min(source.size, READ_BYTES), signal));
  const frontMatter = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1];
  const stated = /^license:[ \t]*['"]?([\w.+-]+)['"]?[ \t]*\r?$/m.exec(frontMatter ?? '')?.[1];
  // `other` says that the name is elsewhere, which is no more than nothing.
  return stated === undefined || stated === 'other' ? undefined : stated;
}
