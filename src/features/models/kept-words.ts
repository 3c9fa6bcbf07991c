/** What is kept on this machine, in words. */
import { formatBytes, formatQuantity } from '@/components/number-format.ts';
import type { KeptEntry, KeptFileEntry } from '@/queries/kept-packages.ts';

/** State of a package in a few words. */
export function keptStateWords(entry: KeptEntry): string {
  const { state, files, bytes, presentBytes, brokenChunks } = entry;
  if (state === 'whole') return `whole, ${formatQuantity(files.length, 'file')}, ${formatBytes(bytes)}`;
  if (state === 'broken')
    return `broken: ${formatQuantity(brokenChunks, 'chunk')} of ${formatQuantity(chunksOf(files), 'chunk')}`;
  if (entry.source.kind === 'conversion')
    return `partial: ${formatQuantity(files.length, 'file')} written, ${formatBytes(presentBytes)}`;
  const whole = files.filter((file) => file.state === 'whole').length;
  return `partial: ${whole} of ${formatQuantity(files.length, 'file')} whole, ${formatBytes(presentBytes)} of ${formatBytes(bytes)}`;
}

/** State of one of its files. */
export function fileStateWords({ state, chunks, presentChunks, brokenChunks }: KeptFileEntry): string {
  if (state === 'whole') return 'whole';
  return state === 'broken'
    ? `broken: ${brokenChunks} of ${formatQuantity(chunks, 'chunk')}`
    : `${presentChunks} of ${formatQuantity(chunks, 'chunk')}`;
}

function chunksOf(files: readonly KeptFileEntry[]): number {
  return files.reduce((sum, { chunks }) => sum + chunks, 0);
}

/** Where a package came from. */
export function keptSourceWords({ source }: KeptEntry): string {
  if (source.kind === 'url') return `from ${source.url}`;
  return source.kind === 'folder' ? `from the folder ${source.name}` : `converted here from ${source.name}`;
}

/** How a deletion may be followed by words on space. */
export function deletedWords({ name, presentBytes }: KeptEntry): string {
  return `${name} was deleted. Its ${formatBytes(presentBytes)} are given back soon.`;
}
