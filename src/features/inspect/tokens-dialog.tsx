/** What the model really reads of one response: the template's tokens, the one the gate reads, the one that is scored. */
import { useQuery } from '@tanstack/react-query';
import { Dialog } from '@/components/dialog.tsx';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { formatCount } from '@/components/number-format.ts';
import { Notice } from '@/components/notice.tsx';
import type { TokenizedResponse } from '@/engine/api/messages.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { useModel } from '@/queries/model-queries.ts';
import { modelRevision } from '@/queries/score-queries.ts';
import { tokenizedQuery } from '@/queries/token-queries.ts';
import { conversationMessages, responseLetter } from '@/state/conversation.ts';
import { useInspect } from '@/state/inspect-store.ts';
import type { DialogProps } from './inspect-dialogs.tsx';
import { tokenPieces, visibleToken, type TokenPiece } from './token-pieces.ts';
import { warningWords } from './warning-words.ts';
import classes from './tokens-dialog.module.css';

export function TokensDialog({ draftId, onClose }: DialogProps & { readonly draftId: number }) {
  const engine = useEngine();
  const model = useModel();
  const conversation = useInspect((state) => state.conversation);
  const index = conversation.responses.findIndex((response) => response.id === draftId);
  const ready = model.status === 'ready' ? model : undefined;
  const query = useQuery(
    tokenizedQuery(
      engine,
      ready === undefined ? undefined : modelRevision(ready.model, ready.loadId),
      conversationMessages(conversation),
      conversation.responses[index]?.text ?? '',
    ),
  );
  return (
    <Dialog title={`What the model reads of response ${responseLetter(Math.max(0, index))}`} onClose={onClose}>
      <div className={classes.body}>
        {ready === undefined ? (
          <p className="muted">The model’s own tokenizer makes this; it is shown once the model is loaded.</p>
        ) : query.error !== null ? (
          <ErrorNotice error={query.error} />
        ) : query.data === undefined ? (
          <p className="muted" role="status">
            Reading the texts …
          </p>
        ) : (
          <Tokens read={query.data} template={ready.model.manifest.tokens.chatTemplate} />
        )}
      </div>
    </Dialog>
  );
}

function Tokens({ read, template }: { readonly read: TokenizedResponse; readonly template: string }) {
  const { pieces, prompt, response } = tokenPieces(read);
  return (
    <>
      {read.warnings.map((warning) => (
        <Notice key={warning.code} tone="warn" title={warningWords[warning.code]}>
          <p>{warning.message}</p>
        </Notice>
      ))}
      <p className="small numeric">
        {formatCount(read.tokenIds.length)} tokens: {formatCount(prompt)} of the prompt, {formatCount(response)} of the
        response. The gate reads token {read.gateIndex}, the score is read at token {read.scoredIndex}.
      </p>
      <ul className={`${classes.key} small`} aria-label="Key to the tokens">
        <li>
          <span className={`${classes.token} ${classes.special ?? ''}`}>template or special</span>
        </li>
        <li>
          <span className={`${classes.token} ${classes.response ?? ''}`}>response</span>
        </li>
        <li>
          <span className={`${classes.token} ${classes.gate ?? ''}`}>gate</span> what the gate reads
        </li>
        <li>
          <span className={`${classes.token} ${classes.scored ?? ''}`}>scored</span> where the rewards are read
        </li>
      </ul>
      {/* Long texts scroll, so the list must be reachable by keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ol className={classes.tokens} aria-label="Tokens" tabIndex={0}>
        {pieces.map((piece) => (
          <Token key={piece.index} piece={piece} />
        ))}
      </ol>
      <details className="small">
        <summary>The template, as the package has it</summary>
        <pre className={classes.template}>{template}</pre>
      </details>
    </>
  );
}

function Token({ piece }: { readonly piece: TokenPiece }) {
  const { index, id, text, role, mark } = piece;
  const names = [
    classes.token,
    role === 'special' ? classes.special : role === 'response' ? classes.response : undefined,
    mark === 'gate' ? classes.gate : mark === 'scored' ? classes.scored : undefined,
  ];
  return (
    <li className={classes.piece} data-mark={mark}>
      <span className={names.filter((name) => name !== undefined).join(' ')} title={`token ${index}, id ${id}`}>
        {visibleToken(text)}
        {mark === undefined ? null : <span className={classes.tag}>{mark === 'gate' ? 'gate' : 'scored'}</span>}
      </span>
    </li>
  );
}
