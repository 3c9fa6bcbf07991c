/** The editor: system turn, conversation, responses, and the bar that scores them. */
import { Button, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { KeyboardEvent } from 'react';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { PlusIcon } from '@/components/icons.tsx';
import { formatCount, formatQuantity } from '@/components/number-format.ts';
import { useModel } from '@/queries/model-queries.ts';
import { cancelScoring } from '@/queries/score-queries.ts';
import { useActivity } from '@/state/activity.ts';
import {
  addExchange,
  addResponse,
  conversationProblems,
  MAX_RESPONSES,
  setSystem,
  type Conversation,
} from '@/state/conversation.ts';
import { editConversation, submitConversation, useInspect } from '@/state/inspect-store.ts';
import { reloadModel } from '@/state/model-choice.ts';
import { ComposerToolbar } from './composer-toolbar.tsx';
import { InspectDialogs } from './inspect-dialogs.tsx';
import { ResponseEditor } from './response-editor.tsx';
import { TurnEditor } from './turn-editor.tsx';
import { useTokenCounts, type TokenCount } from './use-token-counts.ts';
import type { Inspection } from './use-inspection.ts';
import classes from './composer.module.css';

/** Ctrl+Enter (⌘+Enter on a Mac) from anywhere in the editor. */
function scoreOnCtrlEnter(event: KeyboardEvent) {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  submitConversation();
}

export function Composer({ inspection }: { readonly inspection: Inspection }) {
  const conversation = useInspect((state) => state.conversation);
  const problemsShown = useInspect((state) => state.problemsShown);
  const counts = useTokenCounts(conversation);
  const problems = problemsShown ? conversationProblems(conversation) : [];
  const problemOf = (field: string) => problems.find((problem) => problem.field === field)?.message;
  return (
    // Keys bubble up from the text boxes inside; the section itself is not operated.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <section className={`card ${classes.composer}`} aria-label="Conversation" onKeyDown={scoreOnCtrlEnter}>
      <ComposerToolbar />
      <div className={classes.fields}>
        <SystemEditor conversation={conversation} />
        {conversation.turns.map((turn, index) => (
          <TurnEditor key={turn.id} conversation={conversation} index={index} problem={problemOf(`turn-${turn.id}`)} />
        ))}
        <div className={classes.row}>
          <PromptCount counts={counts} />
          <Button
            size="compact-xs"
            variant="subtle"
            leftSection={<PlusIcon />}
            onClick={() => editConversation(addExchange)}
          >
            Add a turn
          </Button>
          {conversation.system === undefined ? (
            <Button
              size="compact-xs"
              variant="subtle"
              leftSection={<PlusIcon />}
              onClick={() => editConversation((state) => setSystem(state, ''))}
            >
              Add a system turn
            </Button>
          ) : null}
        </div>
        <hr className={classes.rule} />
        {conversation.responses.map((response, index) => (
          <ResponseEditor
            key={response.id}
            conversation={conversation}
            index={index}
            problem={problemOf(`response-${response.id}`)}
            entry={inspection.entries[index]}
            count={counts[index]}
          />
        ))}
        <div className={classes.row}>
          <Button
            size="compact-xs"
            variant="subtle"
            leftSection={<PlusIcon />}
            disabled={conversation.responses.length >= MAX_RESPONSES}
            onClick={() => editConversation((state) => addResponse(state))}
          >
            Add a response
          </Button>
          <span className="muted small">
            {conversation.responses.length} of at most {MAX_RESPONSES}
          </span>
        </div>
      </div>
      <ActionBar inspection={inspection} problemCount={problems.length} />
      <InspectDialogs />
    </section>
  );
}

/** Tokens of the conversation before the response, where they are known. */
function PromptCount({ counts }: { readonly counts: readonly TokenCount[] }) {
  const known = counts.find((count) => count.prompt !== undefined);
  if (known?.prompt === undefined) return undefined;
  return <span className={`${classes.promptCount} muted small numeric`}>{formatQuantity(known.prompt, 'token')}</span>;
}

function SystemEditor({ conversation }: { readonly conversation: Conversation }) {
  if (conversation.system === undefined) return undefined;
  return (
    <div className={classes.field}>
      <Textarea
        label="System message"
        autosize
        minRows={1}
        maxRows={8}
        value={conversation.system}
        onChange={(event) => {
          const text = event.currentTarget.value;
          editConversation((state) => setSystem(state, text));
        }}
      />
      <Button
        className={classes.cornerButton}
        size="compact-xs"
        variant="subtle"
        color="gray"
        onClick={() => editConversation((state) => setSystem(state, undefined))}
      >
        Remove the system turn
      </Button>
    </div>
  );
}

function ActionBar({ inspection, problemCount }: { readonly inspection: Inspection; readonly problemCount: number }) {
  const client = useQueryClient();
  const progress = useActivity((state) => state.score);
  const { running, queued, error } = inspection;
  return (
    <div className={classes.actions}>
      {error === undefined ? null : <ErrorNotice error={error} onReload={reloadModel} />}
      <div className={classes.row}>
        <Button size="sm" onClick={() => submitConversation()}>
          Score
        </Button>
        {running || queued ? (
          <Button size="sm" variant="default" onClick={() => cancelScoring(client)}>
            Cancel
          </Button>
        ) : null}
        <p className={`${classes.hint} muted small numeric`} aria-live="polite">
          {problemCount > 0 ? (
            <span className={classes.problem}>Something is missing above.</span>
          ) : running ? (
            progress === undefined ? (
              'Reading the texts'
            ) : (
              `${formatCount(progress.doneTokens)} of ${formatCount(progress.totalTokens)} tokens read`
            )
          ) : queued ? (
            'Scored as soon as the model is ready'
          ) : (
            <IdleHint />
          )}
        </p>
      </div>
    </div>
  );
}

function IdleHint() {
  const model = useModel();
  const automatic = useInspect((state) => state.pristine && state.submission?.mode === 'automatic');
  if (automatic && model.status === 'loading') return <>This example is scored by itself once the model is ready.</>;
  return (
    <>
      or <kbd>Ctrl</kbd> <kbd>Enter</kbd>
    </>
  );
}
