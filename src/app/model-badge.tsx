/** The model in use, where it runs and how well that was proven; opens the proofs of every provider. */
import { Popover, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { DoctorList, isTrouble, troubleWords } from '@/components/doctor-list.tsx';
import { loadShare } from '@/components/load-progress-view.tsx';
import { formatErrorBound, formatPercent } from '@/components/number-format.ts';
import { ProofList } from '@/components/proof-list.tsx';
import { providerLabel } from '@/components/provider-words.ts';
import { remedies } from '@/components/error-remedies.ts';
import type { DoctorFinding } from '@/core/doctor-findings.ts';
import { useModel, type ModelState } from '@/queries/model-queries.ts';
import { useActivity } from '@/state/activity.ts';
import { loadFigures } from '@/state/load-progress.ts';
import classes from './shell.module.css';

function BadgeText({ model }: { readonly model: ModelState }) {
  const load = useActivity((state) => state.load);
  if (model.status === 'loading') {
    const share = loadShare(loadFigures(load));
    return (
      <>
        <Dot tone="busy" /> Loading{share === undefined ? '' : ` ${formatPercent(share)}`}
      </>
    );
  }
  if (model.status === 'cancelled') {
    return (
      <>
        <Dot tone="off" /> No model
      </>
    );
  }
  if (model.status === 'failed') {
    return (
      <>
        <Dot tone="bad" /> {model.error.code === 'unproven' ? 'Unproven' : 'Not loaded'}
      </>
    );
  }
  const { manifest, provider, adapter, worstError, findings } = model.model;
  const troubles = troubleWords(findings);
  return (
    <>
      <Dot tone="good" />
      <span className={classes.badgeName}>{manifest.name}</span>
      <span className={classes.badgeDetail}>
        {providerLabel(provider)}
        {adapter === undefined ? null : <span className={classes.adapter}>, {adapter}</span>}
      </span>
      <span className={`${classes.badgeDetail} numeric`}>error {formatErrorBound(worstError)}</span>
      {troubles === undefined ? null : <span className={classes.badgeTrouble}>{troubles}</span>}
    </>
  );
}

function Dot({ tone }: { readonly tone: 'good' | 'bad' | 'busy' | 'off' }) {
  return <span className={`${classes.dot} ${classes[tone] ?? ''}`} aria-hidden="true" />;
}

export function ModelBadge() {
  const model = useModel();
  const [opened, setOpened] = useState(false);
  return (
    <Popover
      width={380}
      position="bottom-end"
      shadow="md"
      withinPortal={false}
      opened={opened}
      onChange={setOpened}
      transitionProps={{ duration: 0 }}
    >
      <Popover.Target>
        <UnstyledButton
          className={classes.badge}
          onClick={() => setOpened(!opened)}
          // The focus stays on the button, where the popover itself does not hear Escape.
          onKeyDown={(event) => {
            if (event.key === 'Escape') setOpened(false);
          }}
        >
          <span className="visually-hidden">Model: </span>
          <BadgeText model={model} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.proofs} aria-label="Model and proofs">
        <BadgeDetails model={model} />
      </Popover.Dropdown>
    </Popover>
  );
}

/** Errors and warnings of the checkpoint doctor; the rest is in Models. */
function Troubles({ findings }: { readonly findings: readonly DoctorFinding[] }) {
  const told = findings.filter(isTrouble);
  if (told.length === 0) return undefined;
  return (
    <>
      <h3>Checkpoint doctor</h3>
      <DoctorList findings={told} />
    </>
  );
}

function BadgeDetails({ model }: { readonly model: ModelState }) {
  if (model.status === 'ready') {
    return (
      <>
        <h2>{model.model.manifest.name}</h2>
        <p className="muted small">
          Before any score was shown, this device answered {model.model.manifest.canaries.length} prompts whose results
          ship with the model. The largest difference, over rewards, gate weights and score, is{' '}
          <strong>{formatErrorBound(model.model.worstError)}</strong>.
        </p>
        <Troubles findings={model.model.findings} />
        <ProofList proofs={model.model.proofs} />
      </>
    );
  }
  if (model.status === 'failed') {
    return (
      <>
        <h2>{remedies[model.error.code].title}</h2>
        <p className="small">{model.error.message}</p>
      </>
    );
  }
  return (
    <p className="muted small">
      {model.status === 'loading'
        ? 'The model is being loaded and proven; its proofs appear here.'
        : 'No model is loaded. Choose one in Models.'}
    </p>
  );
}
