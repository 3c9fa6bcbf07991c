/** Keeps what is steered as a head of its own, for every view; the model's own head stays what it is. */
import { Button, Popover } from '@mantine/core';
import { useState } from 'react';
import { activateVariant, headVariant, saveHeadVariant } from '@/state/head-variants.ts';
import { trackWork } from '@/state/pending-work.ts';
import { isSteered, trackOf, useSteering } from '@/state/steering-store.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './popovers.module.css';

export function SaveVariant({ subject }: { readonly subject: SteerSubject }) {
  const { modelId, active } = subject;
  const track = useSteering((state) => trackOf(state, modelId));
  const [opened, setOpened] = useState(false);
  const [name, setName] = useState('');
  const save = async () => {
    const { manifest } = active.owner;
    const base = active.variant === undefined ? undefined : headVariant(active.variant.id);
    const over = base === undefined || Object.keys(base.replacement).length === 0 ? 'the model’s own head' : base.name;
    const { id } = await saveHeadVariant({
      modelId,
      name,
      kind: 'steered',
      note: `Steered by hand over ${over}.`,
      objectives: manifest.objectives.length,
      featureSize: manifest.architecture.hiddenSize,
      replacement: base?.replacement ?? {},
      steering: track.steering,
    });
    activateVariant(modelId, id);
    setOpened(false);
    setName('');
  };
  return (
    <Popover position="bottom-start" withinPortal trapFocus opened={opened} onChange={setOpened}>
      <Popover.Target>
        <Button size="compact-sm" variant="default" disabled={!isSteered(track)} onClick={() => setOpened(!opened)}>
          Save as head
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown ?? ''}>
        <form
          className={classes.content}
          onSubmit={(event) => {
            event.preventDefault();
            void trackWork(save());
          }}
        >
          <h3>Save as a head</h3>
          <p className="muted small">
            Every view then shows scores under it, with the model’s own beside. The model itself is not changed; the
            head in use is chosen in the page’s header.
          </p>
          <div className={classes.line}>
            <input
              type="text"
              aria-label="Name of the head"
              placeholder="Name"
              maxLength={120}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Button type="submit" size="compact-sm" disabled={name.trim() === ''}>
              Save and use
            </Button>
          </div>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
