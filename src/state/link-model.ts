/** What a link says of the model and the texts on the page. */
import { conversationTexts, type Conversation } from './conversation.ts';
import type { LinkModel, LinkState } from './link-codec.ts';
import { packageUrl, type ModelChoice } from './model-choice.ts';

/** The model a link names. `id` is that of the package in use, where one is; `baseUrl` the page's. */
export function linkModelOf(choice: ModelChoice, id: string | undefined, baseUrl: string): LinkModel {
  const known = id === undefined ? {} : { id };
  if (choice.kind === 'embedded') return { from: 'embedded', ...known };
  if (choice.kind === 'folder' || choice.kind === 'kept') return { from: 'folder', name: choice.name, ...known };
  return { from: 'url', url: packageUrl(choice.url, baseUrl), ...known };
}

/** The texts as a link carries them. */
export function linkTextsOf(conversation: Conversation): NonNullable<LinkState['conversation']> {
  const { turns, responses, ...rest } = conversationTexts(conversation);
  return { ...rest, turns: [...turns], responses: [...responses] };
}
