/** The ways in: choose, paste, address, sample. Dropping works anywhere on the page. */
import { Button, TextInput, Textarea } from '@mantine/core';
import { useMemo, useState, type FormEvent } from 'react';
import { Panel } from '@/components/panel.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { FileButton } from '@/components/file-button.tsx';
import { OpeningProblem } from '@/components/queue-notices.tsx';
import type { HeadOwner } from '@/queries/active-head.ts';
import { openEvaluationAddress, openEvaluationFile } from '@/queries/open-dataset.ts';
import { writtenPairsUrl } from '@/queries/sample-url.ts';
import { useReceiveDrops } from '@/state/drop-receiver.ts';
import { isRunning, openingEnded, useEvaluation } from '@/state/evaluation-store.ts';
import classes from './evaluate-view.module.css';

const ACCEPTED = '.jsonl,.ndjson,.json,.csv,.tsv,.txt,.parquet';

export function SourceBar({ owner }: { readonly owner: HeadOwner | undefined }) {
  const { opening, problem, run } = useEvaluation();
  const [dialog, setDialog] = useState<'paste' | 'address'>();
  // A run reads its dataset until it ends.
  const busy = opening !== undefined || isRunning(run);
  useReceiveDrops(
    useMemo(
      () => ({
        label: 'Drop a dataset or a file of scores to evaluate it',
        takes: (name: string) => isDatasetName(name) && !isRunning(useEvaluation.getState().run),
        receive: (files) => {
          const file = files.find(({ name }) => isDatasetName(name));
          if (file !== undefined) void openEvaluationFile(file.name, file.blob, owner);
        },
      }),
      [owner],
    ),
  );
  return (
    <Panel name="Open a dataset" className={classes.panel}>
      <div className={classes.head}>
        <h2>Dataset</h2>
        <div className={classes.buttons}>
          <FileButton
            label="File of a dataset or of scores"
            accept={ACCEPTED}
            disabled={busy}
            onFiles={([file]) => void openEvaluationFile(file.name, file, owner)}
          >
            Choose a file…
          </FileButton>
          <Button size="compact-sm" variant="default" disabled={busy} onClick={() => setDialog('paste')}>
            Paste…
          </Button>
          <Button size="compact-sm" variant="default" disabled={busy} onClick={() => setDialog('address')}>
            From an address…
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            disabled={busy}
            onClick={() => void openEvaluationAddress(writtenPairsUrl().href, owner)}
          >
            Sample dataset
          </Button>
        </div>
      </div>
      {opening === undefined ? null : <p className="muted small" role="status">{`Reading ${opening}…`}</p>}
      <OpeningProblem problem={problem} onDismiss={openingEnded} />
      {dialog === 'paste' ? <PasteDialog owner={owner} onClose={() => setDialog(undefined)} /> : null}
      {dialog === 'address' ? <AddressDialog owner={owner} onClose={() => setDialog(undefined)} /> : null}
    </Panel>
  );
}

function isDatasetName(name: string): boolean {
  return ACCEPTED.split(',').some((ending) => name.toLowerCase().endsWith(ending));
}

interface DialogProps {
  readonly owner: HeadOwner | undefined;
  readonly onClose: () => void;
}

const placeholder = `{"prompt": "…", "chosen": "…", "rejected": "…"}
{"prompt": "…", "chosen": "…", "rejected": "…"}`;

function PasteDialog({ owner, onClose }: DialogProps) {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === '') return;
    onClose();
    void openEvaluationFile('Pasted text', new Blob([text]), owner);
  };
  return (
    <Dialog title="Paste a dataset" onClose={onClose}>
      <form className={classes.form} onSubmit={submit}>
        <Textarea
          label="Records"
          description="JSON lines, a JSON array, or CSV with a line of column names; scores as Evaluate exports them, too."
          placeholder={placeholder}
          autosize
          minRows={8}
          maxRows={16}
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <div>
          <Button type="submit" size="sm">
            Open
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function AddressDialog({ owner, onClose }: DialogProps) {
  const [address, setAddress] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (address.trim() === '') return;
    onClose();
    void openEvaluationAddress(address.trim(), owner);
  };
  return (
    <Dialog title="Open an address" onClose={onClose}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label="Address of a file"
          description="It is downloaded to this machine; its server must allow that for other pages (CORS), as the Hugging Face hub does."
          placeholder="https://…/train.parquet"
          inputMode="url"
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <div>
          <Button type="submit" size="sm">
            Open
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
