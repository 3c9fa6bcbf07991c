/** The text of one response, with its tools. */
import { ActionIcon, Textarea } from '@mantine/core';
import { CopyIcon, CrossIcon, DownIcon, EyeIcon, UpIcon } from '@/components/icons.tsx';
import { formatQuantity, formatSigned, formatSignificant, fullPrecision } from '@/components/number-format.ts';
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
import { openInspectDialog } from '@/state/inspect-dialogs.ts';
import { editConversation } from '@/state/inspect-store.ts';
import type { InspectionEntry } from './use-inspection.ts';
import type { TokenCount } from './use-token-counts.ts';
import classes from './composer.module.css';

interface Props {
  readonly conversation: Conversation;
  readonly index: number;
  readonly problem: string | undefined;
  readonly entry: InspectionEntry | undefined;
  readonly count: TokenCount | undefined;
}

export function ResponseEditor({ conversation, index, problem, entry, count: tokens }: Props) {
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
      <div className={`${classes.facts} small`}>
        <button
          type="button"
          className={classes.tokens}
          aria-label={`What the model reads of response ${letter}`}
          title="What the model will really read: template, special tokens, the gate’s token, the scored token"
          onClick={() => openInspectDialog({ kind: 'tokens', draftId: response.id })}
        >
          <EyeIcon /> {tokens?.response === undefined ? 'Tokens' : formatQuantity(tokens.response, 'token')}
        </button>
        {tokens?.problem === undefined ? null : <span className={classes.problem}>{tokens.problem}</span>}
        <ScoreChange entry={entry} />
      </div>
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

/** The score beside the text, and how far the last edit moved it. */
function ScoreChange({ entry }: { readonly entry: InspectionEntry | undefined }) {
  const scored = entry?.scored;
  if (entry === undefined || scored === undefined) return undefined;
  const { earlier, stale, letter } = entry;
  const change = earlier === undefined ? undefined : scored.score - earlier.score;
  return (
    <span className={`${classes.change} numeric`}>
      {change === undefined || stale ? null : (
        <span
          role="status"
          aria-label={`Change of ${letter} by the edit`}
          title={`${fullPrecision(change)}, from ${fullPrecision(earlier?.score ?? Number.NaN)} before the last edit`}
          className={change > 0 ? classes.up : change < 0 ? classes.down : undefined}
        >
          {formatSigned(change)} by the edit
        </span>
      )}
      <span
        className={stale ? classes.old : undefined}
        title={stale ? 'Before the last edit' : fullPrecision(scored.score)}
      >
        {formatSignificant(scored.score)}
      </span>
    </span>
  );
}
