/**
 * The inspection: the conversation being edited, where it came from, and the last one handed over to be scored. Serialisable. Live
 * results are in the query cache, keyed by what was handed over; results made elsewhere are in `recordings.ts`, by key.
 */
import { create } from 'zustand';
import type { Message } from '@/engine/api/messages.ts';
import { firstExample } from '@/samples/first-example.ts';
import {
  conversationMessages,
  conversationOf,
  conversationProblems,
  responseLetter,
  type Conversation,
} from './conversation.ts';
import { firstRecordingKey } from './recordings.ts';

export type RewardView = 'raw' | 'adjusted' | 'native';

/** The texts that a draft had when it was scored before its present ones. */
export interface EarlierTexts {
  readonly messages: readonly Message[];
  readonly text: string;
}

export interface SubmittedResponse {
  /** Id of the draft it was taken from. */
  readonly draftId: number;
  /** Its letter when it was handed over. */
  readonly letter: string;
  readonly text: string;
  readonly earlier?: EarlierTexts;
}

/**
 * `asked`: by the person. `automatic`: an untouched example, scored by itself once the model is ready. `recorded`: opened with its
 * results, and scored only when asked for.
 */
export type SubmissionMode = 'asked' | 'automatic' | 'recorded';

/** Texts handed over to be scored. */
export interface Submission {
  readonly id: number;
  readonly mode: SubmissionMode;
  readonly messages: readonly Message[];
  /** Only those that are not empty. */
  readonly responses: readonly SubmittedResponse[];
  /** Key of results made elsewhere, shown until there are live ones. */
  readonly recording?: string;
}

/** Where the conversation on the page came from. */
export type Origin =
  | { readonly kind: 'example'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'history'; readonly id: string }
  | { readonly kind: 'link' }
  | { readonly kind: 'paste' };

export interface InspectState {
  readonly conversation: Conversation;
  readonly origin: Origin | undefined;
  /** True until the first edit: only then is an example scored without being asked. */
  readonly pristine: boolean;
  readonly submission: Submission | undefined;
  readonly cancelledSubmissionId: number | undefined;
  /** True once Score was pressed on a conversation that could not be scored: from then on its problems are shown. */
  readonly problemsShown: boolean;
  readonly rewardView: RewardView;
  /** Edited texts that something else was opened over: they can be had back. */
  readonly replaced: ReplacedTexts | undefined;
}

export type ReplacedTexts = Pick<InspectState, 'conversation' | 'origin' | 'submission'>;

const firstConversation = conversationOf(firstExample);

export const useInspect = create<InspectState>(() => ({
  conversation: firstConversation,
  origin: { kind: 'example', name: firstExample.name },
  pristine: true,
  submission: {
    id: 1,
    mode: 'automatic',
    recording: firstRecordingKey,
    ...submittedTexts(firstConversation, undefined),
  },
  cancelledSubmissionId: undefined,
  problemsShown: false,
  rewardView: 'raw',
  replaced: undefined,
}));

/** Applies one of the edits of `conversation.ts`. */
export function editConversation(edit: (conversation: Conversation) => Conversation): void {
  useInspect.setState((state) => {
    const conversation = edit(state.conversation);
    return conversation === state.conversation ? {} : { conversation, pristine: false, replaced: undefined };
  });
}

export interface OpenOptions {
  readonly origin?: Origin;
  /** Hands the texts over at once; they must be complete. */
  readonly submit?: { readonly mode: SubmissionMode; readonly recording?: string };
}

/** Starts over with another conversation. Texts that were edited can be had back with `restoreReplaced`. */
export function openConversation(conversation: Conversation, { origin, submit }: OpenOptions = {}): void {
  useInspect.setState((state) => ({
    conversation,
    origin,
    pristine: true,
    problemsShown: false,
    submission:
      submit === undefined
        ? undefined
        : { id: nextSubmissionId(state), ...submit, ...submittedTexts(conversation, undefined) },
    replaced: state.pristine
      ? undefined
      : { conversation: state.conversation, origin: state.origin, submission: state.submission },
  }));
}

/** Brings back the edited texts that the last opening replaced. */
export function restoreReplaced(): void {
  useInspect.setState(({ replaced }) =>
    replaced === undefined ? {} : { ...replaced, pristine: false, problemsShown: false, replaced: undefined },
  );
}

/** Hands the present texts over to be scored; says whether they could be. */
export function submitConversation(): boolean {
  const state = useInspect.getState();
  const { conversation, submission } = state;
  if (conversationProblems(conversation).length > 0) {
    useInspect.setState({ problemsShown: true });
    return false;
  }
  useInspect.setState({
    problemsShown: false,
    submission: {
      id: nextSubmissionId(state),
      mode: 'asked',
      ...submittedTexts(conversation, submission),
      ...(submission?.recording === undefined ? {} : { recording: submission.recording }),
    },
  });
  return true;
}

// Ids are never used twice in a visit, or a cancelled one could stand for a new one.
let submissions = 1;
function nextSubmissionId({ submission }: Pick<InspectState, 'submission'>): number {
  submissions = Math.max(submissions, submission?.id ?? 0) + 1;
  return submissions;
}

/** What of a conversation is handed over. A draft whose texts changed since `before` remembers those. */
function submittedTexts(
  conversation: Conversation,
  before: Submission | undefined,
): Pick<Submission, 'messages' | 'responses'> {
  const messages = conversationMessages(conversation);
  const responses = conversation.responses
    .map((response, index): SubmittedResponse => {
      const last = before?.responses.find((entry) => entry.draftId === response.id);
      const earlier =
        before === undefined || last === undefined
          ? undefined
          : last.text === response.text && sameMessages(before.messages, conversation)
            ? last.earlier
            : { messages: before.messages, text: last.text };
      return {
        draftId: response.id,
        letter: responseLetter(index),
        text: response.text,
        ...(earlier === undefined ? {} : { earlier }),
      };
    })
    .filter((response) => response.text.trim() !== '');
  return { messages, responses };
}

export function cancelSubmission(): void {
  useInspect.setState((state) => ({ cancelledSubmissionId: state.submission?.id }));
}

export function setRewardView(rewardView: RewardView): void {
  useInspect.setState({ rewardView });
}

/** True when `messages` are what the conversation would send now. */
export function sameMessages(messages: readonly Message[], conversation: Conversation): boolean {
  return equalMessages(messages, conversationMessages(conversation));
}

export function equalMessages(a: readonly Message[], b: readonly Message[]): boolean {
  return (
    a.length === b.length &&
    a.every((message, index) => message.role === b[index]?.role && message.content === b[index].content)
  );
}

/** Whether a result still belongs to the text on the page. */
export function isStale(submission: Submission, conversation: Conversation, draftId: number): boolean {
  const scored = submission.responses.find((response) => response.draftId === draftId);
  const draft = conversation.responses.find((response) => response.id === draftId);
  return scored?.text !== draft?.text || !sameMessages(submission.messages, conversation);
}

/** Whether a submission is scored as soon as there is a model. */
export function wantsScoring({ submission, pristine, cancelledSubmissionId }: InspectState): boolean {
  if (submission === undefined || submission.id === cancelledSubmissionId) return false;
  return submission.mode === 'asked' || (submission.mode === 'automatic' && pristine);
}
