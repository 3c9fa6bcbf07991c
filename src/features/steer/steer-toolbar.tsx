/** What acts on the steering as a whole: undo, redo, reset, presets, sharing, keeping it as a head. */
import { ActionIcon, Button } from '@mantine/core';
import { useEffect } from 'react';
import { RedoIcon, UndoIcon } from '@/components/icons.tsx';
import { isSteered, redoSteering, resetSteering, trackOf, undoSteering, useSteering } from '@/state/steering-store.ts';
import { PresetMenu } from './preset-menu.tsx';
import { SaveVariant } from './save-variant.tsx';
import { ShareSteering } from './share-steering.tsx';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './steer-view.module.css';

interface Props {
  readonly subject: SteerSubject;
  readonly onSmallestFlip: () => void;
}

export function SteerToolbar({ subject, onSmallestFlip }: Props) {
  const { modelId } = subject;
  const track = useSteering((state) => trackOf(state, modelId));
  useUndoKeys(modelId);
  return (
    <div className={classes.toolbar} role="toolbar" aria-label="Steering">
      <ActionIcon
        variant="default"
        size="md"
        aria-label="Undo"
        title="Undo (Ctrl+Z)"
        disabled={track.past.length === 0 && track.gestureFrom === undefined}
        onClick={() => undoSteering(modelId)}
      >
        <UndoIcon />
      </ActionIcon>
      <ActionIcon
        variant="default"
        size="md"
        aria-label="Redo"
        title="Redo (Ctrl+Shift+Z)"
        disabled={track.future.length === 0}
        onClick={() => redoSteering(modelId)}
      >
        <RedoIcon />
      </ActionIcon>
      <Button
        size="compact-sm"
        variant="default"
        disabled={!isSteered(track) && track.steering.locked.length === 0}
        onClick={() => resetSteering(modelId)}
      >
        Reset all
      </Button>
      <Button size="compact-sm" variant="light" disabled={subject.second === undefined} onClick={onSmallestFlip}>
        Smallest flip
      </Button>
      <PresetMenu subject={subject} />
      <ShareSteering subject={subject} />
      <SaveVariant subject={subject} />
    </div>
  );
}

/** Ctrl+Z and Ctrl+Shift+Z (or Ctrl+Y) act on the weights, except where a text is being written. */
function useUndoKeys(modelId: string): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isWriting(event.target)) return;
      const key = event.key.toLowerCase();
      const redo = key === 'y' || (key === 'z' && event.shiftKey);
      if (!redo && key !== 'z') return;
      event.preventDefault();
      if (redo) redoSteering(modelId);
      else undoSteering(modelId);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [modelId]);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && !['range', 'number', 'checkbox', 'radio', 'button'].includes(target.type))
  );
}
