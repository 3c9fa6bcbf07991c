/** One objective under the handle in use: name, slider, number, change, and what silences or holds it. */
import { memo } from 'react';
import { LockIcon, ResetIcon, UnlockIcon } from '@/components/icons.tsx';
import { formatSigned, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import { groupStyle, shortObjectiveLabel, type NamedObjective } from '@/components/objective-language.ts';
import {
  resetObjective,
  setCoefficient,
  setLocked,
  setMuted,
  setPenalty,
  setSoloed,
  type OpenPrompt,
} from '@/core/steering-moves.ts';
import type { Steering } from '@/core/steering.ts';
import type { SteeringHandle } from '@/state/steering-store.ts';
import { beginGesture, endGesture, steer, steerFresh } from '@/state/steering-store.ts';
import { handleWords, moveHandle } from './handles.ts';
import { ValueSlider } from './value-slider.tsx';
import classes from './handle-panel.module.css';

interface Props {
  readonly objective: NamedObjective;
  readonly index: number;
  readonly handle: SteeringHandle;
  readonly dimension: number | undefined;
  readonly modelId: string;
  readonly prompt: OpenPrompt;
  readonly value: number;
  readonly baseline: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly free: boolean;
  readonly locked: boolean;
  readonly muted: boolean;
  readonly soloed: boolean;
  /** Others are soloed. */
  readonly silent: boolean;
  /** The handle in use says something about it: reset takes that back. */
  readonly moved: boolean;
}

const steps: Readonly<Record<SteeringHandle, number>> = { gate: 0.01, coefficients: 0.01, logits: 1, penalties: 0.05 };

export const ObjectiveSlider = memo(function ObjectiveSlider(props: Props) {
  const { objective, index, handle, dimension, modelId, prompt, value, baseline, locked, muted, soloed } = props;
  const { name } = objective;
  const ofGate = handle === 'gate' || handle === 'logits';
  const change = value - baseline;
  const press = (move: (steering: Steering) => Steering) => steerFresh(modelId, move);
  return (
    <div className={`${classes.row} ${ofGate && (muted || props.silent) ? (classes.off ?? '') : ''}`}>
      <span className={classes.name} title={name}>
        {shortObjectiveLabel(objective)}
      </span>
      <ValueSlider
        name={`${name}, ${handleWords[handle].name}`}
        value={value}
        baseline={baseline}
        minimum={props.minimum}
        maximum={props.maximum}
        step={steps[handle]}
        colour={groupStyle(objective.group).colour}
        disabled={(ofGate && locked) || !props.free}
        onBegin={() => beginGesture(modelId)}
        onEnd={() => endGesture(modelId)}
        onMove={(to) => steer(modelId, (from) => moveHandle(handle, prompt, from, index, to, dimension))}
      />
      <span className={`${classes.change} numeric`} title={`was ${fullPrecision(baseline)}`}>
        {/* A change too small for the field beside it is none to the eye; the title has it in full. */}
        {formatSignificant(value) === formatSignificant(baseline) ? (
          <span className="muted">{formatSignificant(baseline, 3)}</span>
        ) : (
          formatSigned(change, 3)
        )}
      </span>
      <span className={classes.tools}>
        {ofGate ? (
          <>
            <button
              type="button"
              aria-label={`Lock ${name}`}
              aria-pressed={locked}
              title="Lock: its weight on this prompt holds under every move"
              onClick={() => press((from) => setLocked(from, index, !locked))}
            >
              {locked ? <LockIcon /> : <UnlockIcon />}
            </button>
            <button
              type="button"
              aria-label={`Mute ${name}`}
              aria-pressed={muted}
              title="Mute: weight 0 on every prompt"
              onClick={() => press((from) => setMuted(prompt, from, index, !muted))}
            >
              M
            </button>
            <button
              type="button"
              aria-label={`Solo ${name}`}
              aria-pressed={soloed}
              title="Solo: only the soloed objectives count"
              onClick={() => press((from) => setSoloed(prompt.head, from, toggled(from.soloed, index)))}
            >
              S
            </button>
          </>
        ) : null}
        <button
          type="button"
          aria-label={`Reset ${name}`}
          title="Back to the model’s own"
          disabled={!props.moved}
          onClick={() => press((from) => resetBy(handle, prompt, from, index, dimension))}
        >
          <ResetIcon />
        </button>
      </span>
    </div>
  );
});

function toggled(list: readonly number[], member: number): readonly number[] {
  return list.includes(member) ? list.filter((each) => each !== member) : [...list, member];
}

function resetBy(
  handle: SteeringHandle,
  prompt: OpenPrompt,
  steering: Steering,
  index: number,
  dimension: number | undefined,
): Steering {
  if (handle === 'coefficients') return setCoefficient(steering, index, undefined);
  if (handle === 'penalties')
    return dimension === undefined ? steering : setPenalty(steering, dimension, index, undefined);
  return resetObjective(prompt, steering, index);
}
