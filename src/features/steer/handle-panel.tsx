/** The sliders: one handle at a time, the objectives in their groups, and what holds for all of them above. */
import { SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { groupStyle } from '@/components/objective-language.ts';
import { GroupMarker } from '@/components/objective-marker.tsx';
import { formatSetting } from '@/components/number-format.ts';
import {
  moveGroupWeight,
  setPenaltyBase,
  setPenaltyScale,
  setTemperature,
  type OpenPrompt,
} from '@/core/steering-moves.ts';
import { identitySteering, steeredGateWeights, type PenaltyBase, type Steering } from '@/core/steering.ts';
import type { SteeringHandle } from '@/state/steering-store.ts';
import { beginGesture, endGesture, setHandle, steer, steerFresh, useSteering } from '@/state/steering-store.ts';
import { handleValues, handleWords, handles, isMoved } from './handles.ts';
import { ObjectiveSlider } from './objective-slider.tsx';
import type { SteerSubject } from './use-steer-subject.ts';
import { ValueSlider } from './value-slider.tsx';
import classes from './handle-panel.module.css';

export function HandlePanel({ subject }: { readonly subject: SteerSubject }) {
  const { modelId, prompt, steering, objectives } = subject;
  const handle = useSteering((state) => state.handle);
  const { verbosityDimensions } = prompt.head;
  const [chosenDimension, setDimension] = useState(verbosityDimensions[0]);
  const dimension =
    chosenDimension !== undefined && verbosityDimensions.includes(chosenDimension)
      ? chosenDimension
      : verbosityDimensions[0];
  const values = useMemo(
    () => handleValues(handle, prompt, steering, dimension),
    [handle, prompt, steering, dimension],
  );
  const groups = useMemo(() => {
    const found = new Map<string, number[]>();
    objectives.forEach(({ group }, index) => found.set(group, [...(found.get(group) ?? []), index]));
    return [...found];
  }, [objectives]);
  const words = handleWords[handle];
  return (
    <section className={`card ${classes.panel}`} aria-label="Handles">
      <h2 className="visually-hidden">Handles</h2>
      <div className={classes.head}>
        <SegmentedControl
          size="xs"
          fullWidth
          aria-label="Handle"
          value={handle}
          onChange={(value) => setHandle(value)}
          data={handles
            .filter((each) => each !== 'penalties' || verbosityDimensions.length > 0)
            .map((value) => ({ value, label: handleWords[value].label }))}
        />
        <p className="muted small">{words.explanation}</p>
        <WholeHandle
          handle={handle}
          modelId={modelId}
          prompt={prompt}
          steering={steering}
          dimension={dimension}
          dimensions={verbosityDimensions.map((index) => ({ index, name: objectives[index]?.name ?? String(index) }))}
          onDimension={setDimension}
        />
      </div>
      {groups.map(([group, members]) => (
        <div key={group} className={classes.group} role="group" aria-label={groupStyle(group).label}>
          <div className={classes.groupHead}>
            <h2 className={classes.groupName}>
              <GroupMarker group={group} /> {groupStyle(group).label}
            </h2>
            {handle === 'gate' && members.length > 1 ? (
              <GroupSlider group={group} members={members} subject={subject} />
            ) : null}
          </div>
          {members.map((index) => {
            const objective = objectives[index];
            const shown = values[index];
            if (objective === undefined || shown === undefined) return null;
            return (
              <ObjectiveSlider
                key={objective.name}
                objective={objective}
                index={index}
                handle={handle}
                dimension={dimension}
                modelId={modelId}
                prompt={prompt}
                value={shown.value}
                baseline={shown.baseline}
                minimum={shown.minimum}
                maximum={shown.maximum}
                free={shown.free}
                locked={steering.locked.includes(index)}
                muted={steering.muted.includes(index)}
                soloed={steering.soloed.includes(index)}
                silent={steering.soloed.length > 0 && !steering.soloed.includes(index)}
                moved={isMoved(handle, steering, index, dimension)}
              />
            );
          })}
        </div>
      ))}
    </section>
  );
}

function GroupSlider({
  group,
  members,
  subject: { modelId, prompt, steering },
}: {
  readonly group: string;
  readonly members: readonly number[];
  readonly subject: SteerSubject;
}) {
  const sum = (weights: Float64Array) => members.reduce((total, index) => total + (weights[index] ?? 0), 0);
  const value = sum(steeredGateWeights(prompt.head, prompt.gateLogits, steering));
  const baseline = sum(subjectBaseline(prompt));
  return (
    <ValueSlider
      name={`${groupStyle(group).label} group, gate weight`}
      value={value}
      baseline={baseline}
      minimum={0}
      maximum={prompt.head.gate.logitScale}
      step={0.01}
      colour={groupStyle(group).colour}
      onBegin={() => beginGesture(modelId)}
      onEnd={() => endGesture(modelId)}
      onMove={(weight) => steer(modelId, (from) => moveGroupWeight(prompt, from, members, weight))}
    />
  );
}

function subjectBaseline({ head, gateLogits }: OpenPrompt): Float64Array {
  return steeredGateWeights(head, gateLogits, identitySteering);
}

interface WholeProps {
  readonly handle: SteeringHandle;
  readonly modelId: string;
  readonly prompt: OpenPrompt;
  readonly steering: Steering;
  readonly dimension: number | undefined;
  readonly dimensions: readonly { readonly index: number; readonly name: string }[];
  readonly onDimension: (dimension: number) => void;
}

const bases: readonly { readonly value: PenaltyBase; readonly label: string; readonly title: string }[] = [
  { value: 'model', label: 'Paper correction', title: 'The penalties the model came with (Eq 3)' },
  { value: 'none', label: 'None', title: 'M = I: no reward is corrected for verbosity' },
  {
    value: 'ignore-verbosity',
    label: 'Ignore verbosity',
    title: 'No correction, and the verbosity reward itself counts for nothing',
  },
];

/** What the handle has beside its objectives: the temperature, or the base and scale of the penalties. */
function WholeHandle({ handle, modelId, prompt, steering, dimension, dimensions, onDimension }: WholeProps) {
  const gesture = { onBegin: () => beginGesture(modelId), onEnd: () => endGesture(modelId) };
  if (handle === 'logits') {
    const own = prompt.head.gate.temperature;
    return (
      <div className={classes.whole}>
        <span className={classes.wholeName}>Temperature τ</span>
        <ValueSlider
          name="gate temperature"
          value={steering.temperature ?? own}
          baseline={own}
          minimum={own / 20}
          maximum={own * 4}
          step={own / 20}
          colour="var(--accent)"
          {...gesture}
          onMove={(value) => {
            if (value > 0) steer(modelId, (from) => setTemperature(prompt, from, value));
          }}
        />
        <span className="muted small">the model’s own is {formatSetting(own)}</span>
      </div>
    );
  }
  if (handle !== 'penalties') return null;
  return (
    <>
      <div className={classes.choices} role="group" aria-label="Verbosity correction">
        {bases.map(({ value, label, title }) => (
          <button
            key={value}
            type="button"
            title={title}
            aria-pressed={steering.penalties.base === value}
            onClick={() => steerFresh(modelId, (from) => setPenaltyBase(from, value))}
          >
            {label}
          </button>
        ))}
      </div>
      <div className={classes.whole}>
        <span className={classes.wholeName}>All λ times</span>
        <ValueSlider
          name="global penalty"
          value={steering.penalties.scale}
          baseline={1}
          minimum={0}
          maximum={3}
          step={0.05}
          colour="var(--accent)"
          {...gesture}
          onMove={(scale) => steer(modelId, (from) => setPenaltyScale(from, scale))}
        />
        <span className="muted small">0 removes, 1 leaves</span>
      </div>
      {dimensions.length < 2 ? null : (
        <div className={classes.choices} role="group" aria-label="Penalised by">
          {dimensions.map(({ index, name }) => (
            <button key={index} type="button" aria-pressed={index === dimension} onClick={() => onDimension(index)}>
              {name}
            </button>
          ))}
        </div>
      )}
    </>
  );
}
