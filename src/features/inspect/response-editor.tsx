/** The text of one response, with its tools. */
import { ActionIcon, Textarea } from '@mantine/core';
import { CopyIcon, CrossIcon, DownIcon, UpIcon } from '@/components/icons.tsx';
import { ResponseLetter } from '@/components/response-letter.tsx';
import {
  duplicateResponse,
  MAX_RESPONSES,
  MIN_RESPONSES,
  moveResponse,
  removeResponse,
  responseLetter,
  setResponse,
  type Conversation,
} from '@/state/conversation.ts';
import { editConversation } from '@/state/inspect-store.ts';
import classes from './composer.module.css';

interface Props {
  readonly conversation: Conversation;
  readonly index: number;
  readonly problem: string | undefined;
}

export function ResponseEditor({ conversation, index, problem }: Props) {
  const response = conversation.responses[index];
  if (response === undefined) return undefined;
  const letter = responseLetter(index);
  const count = conversation.responses.length;
  const tools = [
    {
      name: `Move response ${letter} up`,
      icon: <UpIcon />,
      disabled: index === 0,
      edit: (state: Conversation) => moveResponse(state, response.id, -1),
    },
    {
      name: `Move response ${letter} down`,
      icon: <DownIcon />,
      disabled: index === count - 1,
      edit: (state: Conversation) => moveResponse(state, response.id, 1),
    },
    {
      name: `Duplicate response ${letter}`,
      icon: <CopyIcon />,
      disabled: count >= MAX_RESPONSES,
      edit: (state: Conversation) => duplicateResponse(state, response.id),
    },
    {
      name: `Remove response ${letter}`,
      icon: <CrossIcon />,
      disabled: count <= MIN_RESPONSES,
      edit: (state: Conversation) => removeResponse(state, response.id),
    },
  ];
  return (
    <div className={classes.field}>
      <Textarea
        label={
          <span className={classes.responseLabel}>
            <ResponseLetter index={index} />
            Response {letter}
          </span>
        }
        aria-label={`Response ${letter} text`}
        autosize
        minRows={3}
        maxRows={10}
        value={response.text}
        error={problem}
        onChange={(event) => {
          const text = event.currentTarget.value;
          editConversation((state) => setResponse(state, response.id, text));
        }}
      />
      <div className={classes.tools} role="group" aria-label={`Tools of response ${letter}`}>
        {tools.map((tool) => (
          <ActionIcon
            key={tool.name}
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={tool.name}
            title={tool.name}
            disabled={tool.disabled}
            onClick={() => editConversation(tool.edit)}
          >
            {tool.icon}
          </ActionIcon>
        ))}
      </div>
    </div>
  );
}
