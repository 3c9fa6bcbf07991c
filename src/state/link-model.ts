/** What a link says of the model on the page. */
import type { LinkModel } from './link-codec.ts';
import { packageUrl, type ModelChoice } from './model-choice.ts';

/** The model a link names. `id` is that of the package in use, where one is; `baseUrl` the page's. */
export function linkModelOf(choice: ModelChoice, id: string | undefined, baseUrl: string): LinkModel {
  const known = id === undefined ? {} : { id };
  if (choice.kind === 'embedded') return { from: 'embedded', ...known };
  if (choice.kind === 'folder') return { from: 'folder', name: choice.name, ...known };
  return { from: 'url', url: packageUrl(choice.url, baseUrl), ...known };
}
