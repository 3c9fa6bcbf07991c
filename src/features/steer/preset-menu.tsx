/** Ready-made weights: the built-in ones, the person's own, and their file. */
import { Button, Popover } from '@mantine/core';
import { useState } from 'react';
import { saveFile } from '@/components/chart-picture.ts';
import { FileButton } from '@/components/file-button.tsx';
import { CrossIcon } from '@/components/icons.tsx';
import { trackWork } from '@/state/pending-work.ts';
import {
  builtInPresets,
  builtInSteering,
  importPresets,
  presetFile,
  presetSteering,
  removePreset,
  savePreset,
  usePresets,
} from '@/state/steering-presets.ts';
import { isSteered, steerFresh, trackOf, useSteering } from '@/state/steering-store.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './popovers.module.css';

export function PresetMenu({ subject }: { readonly subject: SteerSubject }) {
  return (
    <Popover position="bottom-start" withinPortal trapFocus>
      <Popover.Target>
        <Button size="compact-sm" variant="default">
          Presets
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown ?? ''}>
        <Presets subject={subject} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Presets({ subject: { modelId, active, objectives } }: { readonly subject: SteerSubject }) {
  const { saved, problem } = usePresets();
  const track = useSteering((state) => trackOf(state, modelId));
  const [name, setName] = useState('');
  const [said, setSaid] = useState<{ readonly words: string; readonly undo?: () => void }>();
  const names = objectives.map((objective) => objective.name);
  const builtIn = builtInPresets.flatMap((preset) => {
    const steering = builtInSteering(preset, names, active.head);
    return steering === undefined ? [] : [{ ...preset, steering }];
  });
  const save = () => {
    setSaid({ words: `Saved as ${savePreset(name, track.steering, names)}.` });
    setName('');
  };
  return (
    <div className={classes.content}>
      <h3>Presets</h3>
      <ul className={classes.list} aria-label="Built-in presets">
        {builtIn.map(({ name: label, about, steering }) => (
          <li key={label}>
            <button type="button" onClick={() => steerFresh(modelId, () => steering)}>
              <strong>{label}</strong>
              <span className="muted small">{about}</span>
            </button>
          </li>
        ))}
      </ul>
      <h3>Your own</h3>
      {saved.length === 0 ? <p className="muted small">None yet. They are kept on this machine.</p> : null}
      <ul className={classes.list} aria-label="Your presets">
        {saved.map(({ name: label, weights }) => (
          <li key={label}>
            <button
              type="button"
              onClick={() => {
                const read = presetSteering(weights, names, active.head);
                if ('problem' in read) setSaid({ words: `${label} was not applied. ${read.problem}` });
                else steerFresh(modelId, () => read.steering);
              }}
            >
              <strong>{label}</strong>
            </button>
            <button
              type="button"
              className={classes.remove}
              aria-label={`Delete preset ${label}`}
              onClick={() => {
                const undo = removePreset(label);
                setSaid({ words: `Deleted ${label}.`, undo });
              }}
            >
              <CrossIcon />
            </button>
          </li>
        ))}
      </ul>
      <form
        className={classes.line}
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <input
          type="text"
          aria-label="Name of the preset"
          placeholder="Name of the present weights"
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" size="compact-sm" variant="default" disabled={name.trim() === '' || !isSteered(track)}>
          Save
        </Button>
      </form>
      <PresetFiles onSaid={(words) => setSaid({ words })} empty={saved.length === 0} />
      <p role="status" className="small">
        {said?.words}
        {said?.undo === undefined ? null : (
          <>
            {' '}
            <button
              type="button"
              className={classes.undo}
              onClick={() => {
                said.undo?.();
                setSaid(undefined);
              }}
            >
              Undo
            </button>
          </>
        )}
      </p>
      {problem === undefined ? null : (
        <p role="alert" className="small">
          {problem}
        </p>
      )}
    </div>
  );
}

function PresetFiles({ onSaid, empty }: { readonly onSaid: (words: string) => void; readonly empty: boolean }) {
  const read = async (file: File) => {
    const result = importPresets(await file.text());
    onSaid('problem' in result ? result.problem : `Added ${result.names.join(', ') || 'nothing: the file is empty'}.`);
  };
  return (
    <div className={classes.line}>
      <FileButton
        label="File of presets"
        accept=".json,application/json"
        variant="default"
        onFiles={([file]) => void trackWork(read(file))}
      >
        Import presets…
      </FileButton>
      <Button
        size="compact-sm"
        variant="default"
        disabled={empty}
        onClick={() => saveFile('armoscope-presets.json', new Blob([presetFile()], { type: 'application/json' }))}
      >
        Export presets
      </Button>
    </div>
  );
}
