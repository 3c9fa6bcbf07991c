/** What was scored on this page: when, what, with which scores; opened again, deleted, brought back. */
import { ActionIcon, Button } from '@mantine/core';
import { useEffect } from 'react';
import { Dialog } from '@/components/dialog.tsx';
import { CrossIcon } from '@/components/icons.tsx';
import { formatQuantity, formatSignificant } from '@/components/number-format.ts';
import { Notice } from '@/components/notice.tsx';
import { responseLetter } from '@/state/conversation.ts';
import {
  deleteFromHistory,
  loadHistory,
  openFromHistory,
  undoDelete,
  useInspectionHistory,
  type HistoryEntry,
} from '@/state/inspection-history.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { DialogProps } from './inspect-dialogs.tsx';
import classes from './inspect-dialogs.module.css';

export function HistoryDialog({ onClose }: DialogProps) {
  const { entries, deleted, problem } = useInspectionHistory();
  useEffect(() => void loadHistory(), []);
  const open = async (id: string) => {
    if (await openFromHistory(id)) onClose();
  };
  return (
    <Dialog title="History" onClose={onClose}>
      <div className={classes.body}>
        {problem === undefined ? null : (
          <Notice tone="warn" title="The history is not complete">
            <p>{problem}</p>
          </Notice>
        )}
        <div className={classes.row}>
          <p className={`${classes.grow} muted small`}>
            {entries.length === 0
              ? 'Nothing was scored yet. Every press of Score is kept here, on this machine only.'
              : `${formatQuantity(entries.length, 'inspection')}, kept on this machine only.`}
          </p>
          {deleted.length === 0 ? null : (
            <Button size="compact-sm" variant="light" onClick={() => void trackWork(undoDelete())}>
              Bring back {deleted.length === 1 ? 'the deleted one' : `the ${deleted.length} deleted`}
            </Button>
          )}
          {entries.length === 0 ? null : (
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => void trackWork(deleteFromHistory(entries.map(({ id }) => id)))}
            >
              Delete all
            </Button>
          )}
        </div>
        <ul className={classes.history} aria-label="Inspections">
          {entries.map((entry) => (
            <li key={entry.id}>
              <button type="button" className={classes.entry} onClick={() => void trackWork(open(entry.id))}>
                <span className={classes.entryHead}>
                  <span className="muted small numeric">{timeWords(entry.atMs)}</span>
                  <span className="muted small">{entry.file.model.manifest.name}</span>
                </span>
                <span className={classes.prompt}>{entry.file.conversation.turns.at(-1)}</span>
                <Scores entry={entry} />
              </button>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Delete the inspection of ${timeWords(entry.atMs)}`}
                title="Delete"
                onClick={() => void trackWork(deleteFromHistory([entry.id]))}
              >
                <CrossIcon />
              </ActionIcon>
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  );
}

function Scores({ entry }: { readonly entry: HistoryEntry }) {
  return (
    <span className={`${classes.scores} numeric small`}>
      {entry.file.results.map(({ response, score }) => (
        <span key={response}>
          <strong>{responseLetter(response)}</strong> {formatSignificant(score)}
        </span>
      ))}
    </span>
  );
}

function timeWords(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}
