/**
 * The inspection: the conversation being edited, and the last one handed to the engine. Serialisable. Results are in the
 * query cache, keyed by what was handed over, so they stay true while the texts are edited.
 */
import { create } from 'zustand';
import type { Message } from '@/engine/api/messages.ts';
import { conversationMessages, conversationProblems, responseLetter, type Conversation } from './conversation.ts';
import { firstExample } from './first-example.ts';

export type RewardView = 'raw' | 'adjusted' | 'native';

export interface SubmittedResponse {
  /** Id of the draft it was taken from. */
  readonly draftId: number;
  /** Its letter when it was handed over. */
  readonly letter: string;
  readonly text: string;
}

/** One press of Score. */
export interface Submission {
  readonly id: number;
  readonly messages: readonly Message[];
  /** Only those that are not empty. */
  readonly responses: readonly SubmittedResponse[];
}

export interface InspectState {
  readonly conversation: Conversation;
  /** True until the first edit: only then is the example scored without being asked. */
  readonly pristine: boolean;
  readonly submission: Submission | undefined;
  readonly cancelledSubmissionId: number | undefined;
  /** True once Score was pressed on a conversation that could not be scored: from then on its problems are shown. */
  readonly problemsShown: boolean;
  readonly rewardView: RewardView;
}

export const useInspect = create<InspectState>(() => ({
  conversation: firstExample,
  pristine: true,
  submission: undefined,
  cancelledSubmissionId: undefined,
  problemsShown: false,
  rewardView: 'raw',
}));

/** Applies one of the edits of `conversation.ts`. */
export function editConversation(edit: (conversation: Conversation) => Conversation): void {
  useInspect.setState((state) => ({ conversation: edit(state.conversation), pristine: false }));
}

/** Starts over with another conversation. */
export function openConversation(conversation: Conversation): void {
  useInspect.setState({ conversation, pristine: false, problemsShown: false });
}

/** Hands the present texts over to be scored; says whether they could be. */
export function submitConversation(): boolean {
  const { conversation, submission } = useInspect.getState();
  if (conversationProblems(conversation).length > 0) {
    useInspect.setState({ problemsShown: true });
    return false;
  }
  useInspect.setState({
    problemsShown: false,
    submission: {
      id: (submission?.id ?? 0) + 1,
      messages: conversationMessages(conversation),
      responses: conversation.responses
        .map((response, index) => ({ draftId: response.id, letter: responseLetter(index), text: response.text }))
        .filter((response) => response.text.trim() !== ''),
    },
  });
  return true;
}

export function cancelSubmission(): void {
  useInspect.setState((state) => ({ cancelledSubmissionId: state.submission?.id }));
}

export function setRewardView(rewardView: RewardView): void {
  useInspect.setState({ rewardView });
}

/** True when `messages` are what the conversation would send now. */
export function sameMessages(messages: readonly Message[], conversation: Conversation): boolean {
  const now = conversationMessages(conversation);
  return (
    now.length === messages.length &&
    now.every((message, index) => message.role === messages[index]?.role && message.content === messages[index].content)
  );
}

/** Whether a result still belongs to the text on the page. */
export function isStale(submission: Submission, conversation: Conversation, draftId: number): boolean {
  const scored = submission.responses.find((response) => response.draftId === draftId);
  const draft = conversation.responses.find((response) => response.id === draftId);
  return scored?.text !== draft?.text || !sameMessages(submission.messages, conversation);
}
