/** How the penalties are chosen, and the correction put in force, taken back, brought out and in. */
import { Button, SegmentedControl } from '@mantine/core';
import { useId, useState } from 'react';
import { ActionMenu } from '@/components/action-menu.tsx';
import { saveFile } from '@/components/chart-picture.ts';
import { FileButton } from '@/components/file-button.tsx';
import { DownloadIcon } from '@/components/icons.tsx';
import type { PenaltyMethod } from '@/core/debias.ts';
import type { ActiveHead } from '@/queries/active-head.ts';
import { applyTransform, importTransform, transformFile } from '@/queries/debias-apply.ts';
import { chooseDebias, useDebias } from '@/state/debias-store.ts';
import { activateVariant, useHeadVariants } from '@/state/head-variants.ts';
import { isSteered, trackOf, useSteering } from '@/state/steering-store.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { DebiasSubject } from './use-debias.ts';
import { formatScale, methodNames } from './words.ts';
import classes from './debias-view.module.css';

interface Props {
  readonly active: ActiveHead;
  readonly subject: DebiasSubject | undefined;
  readonly verbosity: number;
}

export function CorrectionPanel({ active, subject, verbosity }: Props) {
  const { method, scale } = useDebias();
  const [problem, setProblem] = useState<string>();
  const moved = useSteering((state) => isSteered(trackOf(state, active.owner.manifest.id)));
  const storageProblem = useHeadVariants((state) => state.storageProblem);
  const id = useId();
  const { objectives, id: modelId } = active.owner.manifest;
  const attempt = (work: Promise<void>) => {
    setProblem(undefined);
    trackWork(work).catch((cause: unknown) => setProblem(cause instanceof Error ? cause.message : String(cause)));
  };
  return (
    <>
      <div className={classes.line}>
        <SegmentedControl
          size="xs"
          aria-label="Penalties by"
          value={method}
          onChange={(value) => chooseDebias({ method: value })}
          data={(['exact', 'pearson', 'authors-grid'] satisfies PenaltyMethod[]).map((value) => ({
            value,
            label: methodNames[value],
          }))}
        />
        <div className={classes.field}>
          <label htmlFor={`${id}-scale`}>Strength</label>
          <input
            id={`${id}-scale`}
            type="range"
            min={0}
            max={1.5}
            step={0.05}
            value={scale}
            aria-valuetext={`${formatScale(scale)} times λ`}
            onChange={(event) => chooseDebias({ scale: event.currentTarget.valueAsNumber })}
          />
          <output className="numeric" htmlFor={`${id}-scale`}>
            {formatScale(scale)} λ
          </output>
        </div>
        <div className={classes.field}>
          <label htmlFor={`${id}-verbosity`}>Verbosity</label>
          <select
            id={`${id}-verbosity`}
            value={verbosity}
            onChange={(event) => chooseDebias({ verbosity: Number(event.currentTarget.value) })}
          >
            {objectives.map(({ name }, index) => (
              <option key={name} value={index}>
                {name}
              </option>
            ))}
          </select>
        </div>
      </div>
      <div className={classes.line}>
        <Button
          size="compact-sm"
          disabled={subject === undefined}
          onClick={() => {
            if (subject !== undefined) attempt(apply(subject, method, scale));
          }}
        >
          Apply to every view
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          disabled={active.variant === undefined}
          onClick={() => activateVariant(modelId, undefined)}
        >
          Reset to the model’s own
        </Button>
        <FileButton
          label="Transform file"
          accept=".safetensors,.json"
          variant="default"
          onFiles={([file]) => attempt(importTransform(file, active))}
        >
          Import transform…
        </FileButton>
        <ActionMenu
          label="Export transform"
          title="Export the transform matrix"
          icon={<DownloadIcon />}
          actions={[
            ...(subject === undefined
              ? []
              : [
                  saving('This correction, safetensors', active, subject.correction.transform, 'safetensors', attempt),
                  saving('This correction, JSON', active, subject.correction.transform, 'json', attempt),
                ]),
            saving('Head in use, safetensors', active, active.head.transform, 'safetensors', attempt),
            saving('Head in use, JSON', active, active.head.transform, 'json', attempt),
          ]}
        />
      </div>
      <p className="small" role="status" aria-label="Head in use in every view">
        {active.variant === undefined ? (
          'Every view shows scores under the model’s own head.'
        ) : (
          <>
            Every view shows scores under <strong>{active.variant.name}</strong>: {active.variant.note}
          </>
        )}
        {moved ? ' The handles moved in Steer lie over it, in Steer and Evaluate, until they are reset there.' : ''}
      </p>
      {problem === undefined && storageProblem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem ?? storageProblem}
        </p>
      )}
    </>
  );
}

async function apply(
  { active, reference, correction, objectives, verbosity }: DebiasSubject,
  method: PenaltyMethod,
  scale: number,
) {
  const strength = scale === 1 ? '' : ` × ${formatScale(scale)}`;
  await applyTransform(
    active,
    correction.transform,
    `Debiased, ${methodNames[method].toLowerCase()}${strength}`,
    `Penalties of ${objectives[verbosity]?.name ?? ''} by ${methodNames[method].toLowerCase()}${strength} on ${reference.name}.`,
  );
}

function saving(
  label: string,
  active: ActiveHead,
  transform: Float64Array,
  format: 'safetensors' | 'json',
  attempt: (work: Promise<void>) => void,
) {
  return {
    label,
    run: () =>
      attempt(transformFile(active, transform, format).then((blob) => saveFile(`reward-transform.${format}`, blob))),
  };
}
