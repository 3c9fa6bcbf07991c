/** A link to what is on the page, and the whole inspection as a file. Nothing is sent: the link is the address itself. */
import { Button, Checkbox, TextInput } from '@mantine/core';
import '@mantine/core/styles/Checkbox.css';
import '@mantine/core/styles/InlineInput.css';
import { useState } from 'react';
import { saveFile } from '@/components/chart-picture.ts';
import { Dialog } from '@/components/dialog.tsx';
import { formatCount } from '@/components/number-format.ts';
import { useModel } from '@/queries/model-queries.ts';
import { writeInspection } from '@/queries/inspection-export.ts';
import { encodeLink, LINK_PARAMETER } from '@/state/link-codec.ts';
import { conversationTexts } from '@/state/conversation.ts';
import { useInspect } from '@/state/inspect-store.ts';
import { linkModelOf } from '@/state/link-model.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { DialogProps } from './inspect-dialogs.tsx';
import { useInspection } from './use-inspection.ts';
import classes from './inspect-dialogs.module.css';

/** Beyond this some mail and chat programs cut an address off. */
const LONG_LINK = 8000;

export function ShareDialog({ onClose }: DialogProps) {
  return (
    <Dialog title="Share or export" onClose={onClose}>
      <div className={classes.body}>
        <ShareLink />
        <hr className={classes.rule} />
        <ExportFile />
      </div>
    </Dialog>
  );
}

function ShareLink() {
  const [withTexts, setWithTexts] = useState(false);
  const [copied, setCopied] = useState<'copied' | 'failed'>();
  const model = useModel();
  const choice = useModelChoice((state) => state.choice);
  const conversation = useInspect((state) => state.conversation);
  const rewards = useInspect((state) => state.rewardView);
  const id = model.status === 'ready' ? model.model.manifest.id : undefined;
  const link = encodeLink({
    v: 1,
    model: linkModelOf(choice, id, document.baseURI),
    view: { name: 'inspect', rewards },
    ...(withTexts ? { conversation: conversationTexts(conversation) } : {}),
  });
  const address = link.ok
    ? `${window.location.href.split('#')[0] ?? ''}#/inspect?${LINK_PARAMETER}=${link.packed}`
    : '';
  return (
    <section className={classes.part} aria-label="Link">
      <h3>A link</h3>
      <Checkbox
        size="sm"
        label="Include the texts"
        description="Whoever has the link can read them. Without them it opens the same model and view."
        checked={withTexts}
        onChange={(event) => {
          setWithTexts(event.currentTarget.checked);
          setCopied(undefined);
        }}
      />
      {link.ok ? (
        <div className={classes.row}>
          <TextInput
            className={classes.grow ?? ''}
            aria-label="Link to this inspection"
            readOnly
            value={address}
            onFocus={(event) => event.currentTarget.select()}
          />
          <Button
            size="sm"
            onClick={() => {
              navigator.clipboard.writeText(address).then(
                () => setCopied('copied'),
                () => setCopied('failed'),
              );
            }}
          >
            Copy link
          </Button>
        </div>
      ) : (
        <p role="alert">{link.problem.message}</p>
      )}
      <p className="muted small" role="status">
        {copied === 'copied' ? 'Copied. ' : null}
        {copied === 'failed' ? 'The browser does not allow copying: select the link and copy it by hand. ' : null}
        {link.ok && link.packed.length > LONG_LINK
          ? `The link has ${formatCount(address.length)} characters; some programs cut long links off, a file is safer. `
          : null}
        Nothing is sent anywhere by making it: what it holds stands in the address, after the #, which browsers keep
        from the server.
      </p>
    </section>
  );
}

function ExportFile() {
  const [problem, setProblem] = useState<string>();
  const model = useModel();
  const inspection = useInspection(model);
  const scored = inspection.entries.filter((entry) => entry.scored !== undefined && !entry.stale).length;
  const save = async () => {
    const written = await writeInspection(inspection, model);
    if (written === undefined) setProblem('There is nothing to export yet: load a model first.');
    else saveFile(written.name, written.blob);
  };
  return (
    <section className={classes.part} aria-label="File">
      <h3>A file</h3>
      <p className="muted small">
        The texts,{' '}
        {scored === 0 ? 'no results yet' : `the results of ${scored} of ${inspection.entries.length} responses`}, the
        model’s id and hash, and what is needed to show them. Drop it on the page to see it again, with or without the
        model.
      </p>
      <div>
        <Button
          size="sm"
          variant="default"
          disabled={inspection.manifest === undefined}
          onClick={() => void trackWork(save().catch((cause: unknown) => setProblem(String(cause))))}
        >
          Export as JSON
        </Button>
      </div>
      {problem === undefined ? null : <p role="alert">{problem}</p>}
    </section>
  );
}
