/** A link that opens the same weights: always the model and the view, the texts only where the person chose so. */
import { Button, Popover } from '@mantine/core';
import { useState } from 'react';
import { encodeLink, LINK_PARAMETER, type LinkState } from '@/state/link-codec.ts';
import { useInspect } from '@/state/inspect-store.ts';
import { linkModelOf, linkTextsOf } from '@/state/link-model.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { namedSteering } from '@/state/steering-schema.ts';
import { useSteering } from '@/state/steering-store.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './popovers.module.css';

export function ShareSteering({ subject }: { readonly subject: SteerSubject }) {
  return (
    <Popover position="bottom-start" withinPortal trapFocus>
      <Popover.Target>
        <Button size="compact-sm" variant="default">
          Share
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown ?? ''}>
        <Share subject={subject} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Share({ subject }: { readonly subject: SteerSubject }) {
  const [withTexts, setWithTexts] = useState(false);
  const [copied, setCopied] = useState<'copied' | 'failed'>();
  const choice = useModelChoice((state) => state.choice);
  const { handle, pair } = useSteering();
  const conversation = useInspect((state) => state.conversation);
  const names = subject.objectives.map(({ name }) => name);
  const state: LinkState = {
    v: 1,
    model: linkModelOf(choice, subject.modelId, document.baseURI),
    view: { name: 'steer' },
    ...(withTexts ? { conversation: linkTextsOf(conversation) } : {}),
    steering: { objectives: names, weights: namedSteering(subject.steering, names), handle, pair: [pair[0], pair[1]] },
  };
  const link = encodeLink(state);
  const address = link.ok ? `${pageAddress()}#/steer?${LINK_PARAMETER}=${link.packed}` : '';
  const copy = () => {
    navigator.clipboard.writeText(address).then(
      () => setCopied('copied'),
      () => setCopied('failed'),
    );
  };
  return (
    <div className={classes.content}>
      <h3>Share these weights</h3>
      <label className={classes.check}>
        <input
          type="checkbox"
          checked={withTexts}
          onChange={(event) => {
            setWithTexts(event.currentTarget.checked);
            setCopied(undefined);
          }}
        />
        Include the texts. Whoever has the link can read them.
      </label>
      {link.ok ? (
        <div className={classes.line}>
          <input
            type="text"
            readOnly
            aria-label="Link"
            value={address}
            onFocus={(event) => event.currentTarget.select()}
          />
          <Button size="compact-sm" onClick={copy}>
            Copy link
          </Button>
        </div>
      ) : (
        <p role="alert" className="small">
          {link.problem.message}
        </p>
      )}
      <p role="status" className="small">
        {copied === 'copied'
          ? 'Copied.'
          : copied === 'failed'
            ? 'The browser does not allow copying: copy the link by hand.'
            : ''}
      </p>
      <p className="muted small">
        The link holds the model’s name and the weights. Nothing is sent anywhere: it is the address itself that carries
        them.
      </p>
    </div>
  );
}

/** The page without its fragment. */
function pageAddress(): string {
  return window.location.href.split('#')[0] ?? '';
}
