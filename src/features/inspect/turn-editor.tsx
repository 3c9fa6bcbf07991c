/** One turn of the conversation. The last is the user's, and is the one whose answers are scored. */
import { ActionIcon, Textarea } from '@mantine/core';
import { CrossIcon } from '@/components/icons.tsx';
import { removeExchange, setTurn, type Conversation } from '@/state/conversation.ts';
import { editConversation } from '@/state/inspect-store.ts';
import classes from './composer.module.css';

interface Props {
  readonly conversation: Conversation;
  readonly index: number;
  readonly problem: string | undefined;
}

export function TurnEditor({ conversation, index, problem }: Props) {
  const turn = conversation.turns[index];
  if (turn === undefined) return undefined;
  const last = index === conversation.turns.length - 1;
  const number = Math.floor(index / 2) + 1;
  const label = last ? 'User message' : turn.role === 'user' ? `User turn ${number}` : `Assistant turn ${number}`;
  return (
    <div className={classes.field}>
      <Textarea
        label={label}
        autosize
        minRows={last ? 2 : 1}
        maxRows={10}
        value={turn.content}
        error={problem}
        onChange={(event) => {
          const text = event.currentTarget.value;
          editConversation((state) => setTurn(state, turn.id, text));
        }}
      />
      {conversation.turns.length > 1 ? (
        <div className={classes.tools}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={`Remove ${label.toLowerCase()} and its partner`}
            title={`Remove ${label.toLowerCase()} and its partner`}
            onClick={() => editConversation((state) => removeExchange(state, turn.id))}
          >
            <CrossIcon />
          </ActionIcon>
        </div>
      ) : null}
    </div>
  );
}
