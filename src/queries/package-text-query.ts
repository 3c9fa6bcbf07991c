/** Text files that a package may bring beside its model (licence, notice, read-me), read when somebody wants to see them. */
import { queryOptions } from '@tanstack/react-query';
import { modelSource, type ModelChoice } from '@/state/model-choice.ts';

export const packageTexts = ['LICENSE', 'NOTICE', 'README.md'] as const;
export type PackageText = (typeof packageTexts)[number];

/** A licence is prose; anything larger is not one. */
const LARGEST_TEXT_BYTES = 1_000_000;

/** `null` where the package has none (the cache takes no `undefined`). */
export function packageTextQuery(choice: ModelChoice, loadId: number, file: PackageText) {
  return queryOptions<string | null>({
    queryKey: ['package-text', loadId, file],
    queryFn: async ({ signal }) => {
      const source = modelSource(choice, document.baseURI);
      if (source.kind === 'directory') return null;
      if (source.kind === 'files') {
        const blob = source.files.find((entry) => entry.path === file)?.blob;
        return blob === undefined || blob.size > LARGEST_TEXT_BYTES ? null : await blob.text();
      }
      const response = await fetch(new URL(file, source.url), { signal });
      // A server that answers every address with its start page has no licence.
      if (!response.ok || response.headers.get('content-type')?.includes('html') === true) return null;
      const text = await response.text();
      return text.length > LARGEST_TEXT_BYTES ? null : text;
    },
  });
}
