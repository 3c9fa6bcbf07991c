/**
 * The link the page was opened with, or that was opened since: what it asks for, or why it was refused. Its texts go to the
 * conversation at once; its model and its steering are for whoever shows them, because they may not fit what is loaded.
 */
import { create } from 'zustand';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { conversationOf, conversationProblems } from './conversation.ts';
import { openExample } from './examples.ts';
import { openConversation, setRewardView } from './inspect-store.ts';
import type { LinkProblem, LinkState } from './link-codec.ts';
import { packageUrl, type ModelChoice } from './model-choice.ts';
import { trackWork } from './pending-work.ts';

export interface OpenedLink {
  readonly link: LinkState | undefined;
  readonly problem: LinkProblem | undefined;
  /** Why a dropped file was not opened. */
  readonly importProblem: string | undefined;
}

export const useOpenedLink = create<OpenedLink>(() => ({
  link: undefined,
  problem: undefined,
  importProblem: undefined,
}));

export function dismissLink(): void {
  useOpenedLink.setState({ link: undefined, problem: undefined, importProblem: undefined });
}

export function reportImportProblem(importProblem: string): void {
  useOpenedLink.setState({ importProblem });
}

/** Opens what the query of a fragment asks for (`s=…` or `example=…`); without either, nothing happens. */
export async function openFromQuery(query: string): Promise<void> {
  const parameters = new URLSearchParams(query);
  const example = parameters.get('example');
  const packed = parameters.get('s');
  if (packed !== null) await trackWork(openPacked(packed));
  else if (example !== null && !(await trackWork(openExample(example))))
    useOpenedLink.setState({
      link: undefined,
      problem: {
        code: 'not-valid',
        message: `There is no example named “${example.slice(0, 60)}”. Choose one under Examples.`,
      },
    });
}

async function openPacked(packed: string): Promise<void> {
  // The schemas and the inflater are needed by nobody who did not follow a link.
  const { decodeLink } = await import('./link-codec.ts');
  const result = decodeLink(packed);
  if (!result.ok) {
    useOpenedLink.setState({ link: undefined, problem: result.problem });
    return;
  }
  const { state } = result;
  useOpenedLink.setState({ link: state, problem: undefined });
  if (state.view.rewards !== undefined) setRewardView(state.view.rewards);
  if (state.conversation === undefined) return;
  const conversation = conversationOf(state.conversation);
  const complete = conversationProblems(conversation).length === 0;
  openConversation(conversation, { origin: { kind: 'link' }, ...(complete ? { submit: { mode: 'automatic' } } : {}) });
}

/** What does not fit between the model of a link and the one in use, in words, and what can be done about it. */
export interface LinkMismatch {
  readonly message: string;
  /** Choosing this would bring the link's own model. */
  readonly offer: ModelChoice | undefined;
}

/** `undefined` where the models agree, or while it cannot be told yet. `baseUrl` is the page's. */
export function linkMismatch(
  link: LinkState,
  choice: ModelChoice,
  loaded: Pick<LoadedModel, 'manifest'> | undefined,
  baseUrl: string,
): LinkMismatch | undefined {
  const { model } = link;
  const id = loaded?.manifest.id;
  if (model.id !== undefined && model.id === id) return undefined;
  if (model.from === 'folder')
    return {
      message: `This link was made with ${model.id ?? model.name}, opened from the folder “${model.name}”, which only its maker has. Drop that folder on the page to see the same numbers.`,
      offer: undefined,
    };
  const same =
    model.from === 'embedded'
      ? choice.kind === 'embedded'
      : choice.kind === 'url' && packageUrl(choice.url, baseUrl) === packageUrl(model.url, baseUrl);
  if (!same)
    return {
      message: `This link was made with ${model.from === 'embedded' ? 'the embedded model' : `the model at ${model.url}`}; another one is in use, so the numbers are that one’s.`,
      offer: model.from === 'embedded' ? { kind: 'embedded' } : { kind: 'url', url: model.url },
    };
  if (id === undefined || model.id === undefined) return undefined;
  return {
    message: `This link was made with ${model.id}; the same place now holds ${id}, so the numbers can differ.`,
    offer: undefined,
  };
}
