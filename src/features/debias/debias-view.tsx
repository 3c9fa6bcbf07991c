/** Debias: how far each objective follows verbosity, the penalties that end it, and what the correction costs. */
import type { ReactNode } from 'react';
import { Notice } from '@/components/notice.tsx';
import { useModelChoice } from '@/state/model-choice.ts';
import { CorrectionPanel } from './correction-panel.tsx';
import { CorrelationPanel } from './correlation-panel.tsx';
import { Demo } from './demo.tsx';
import { EffectPanel } from './effect-panel.tsx';
import { PairsPanel } from './pairs-panel.tsx';
import { PenaltyPanel } from './penalty-panel.tsx';
import { ReferencePanel } from './reference-panel.tsx';
import { ScatterPanel } from './scatter-panel.tsx';
import { SweepPanel } from './sweep-panel.tsx';
import { useDebiasSituation, type DebiasSituation } from './use-debias.ts';
import classes from './debias-view.module.css';

export function DebiasView() {
  const situation = useDebiasSituation();
  const { active, subject } = situation;
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  return (
    <div className={classes.view}>
      <h1 className="visually-hidden">Debias</h1>
      {embedded && subject !== undefined ? <Demo subject={subject} /> : null}
      <div className={classes.head}>
        <Panel name="Reference set">
          <ReferencePanel situation={situation} />
        </Panel>
        {active === undefined ? null : (
          <Panel name="Correction">
            <CorrectionPanel active={active} subject={subject} verbosity={situation.verbosity} />
          </Panel>
        )}
      </div>
      {subject === undefined ? (
        <Waiting situation={situation} />
      ) : (
        <div className={classes.columns}>
          <div className={classes.stack}>
            <Panel name="Correlations">
              <CorrelationPanel subject={subject} />
            </Panel>
            <Panel name="Penalties λ">
              <PenaltyPanel subject={subject} />
            </Panel>
          </div>
          <div className={classes.stack}>
            <Panel name="What the correction does">
              <EffectPanel subject={subject} />
            </Panel>
            <Panel name="Scatter" titled>
              <ScatterPanel subject={subject} />
            </Panel>
            <Panel name="What it costs">
              <PairsPanel subject={subject} />
            </Panel>
            <Panel name="Length sweep">
              <SweepPanel active={subject.active} verbosity={subject.verbosity} />
            </Panel>
          </div>
        </div>
      )}
    </div>
  );
}

function Panel({
  name,
  titled = false,
  children,
}: {
  readonly name: string;
  /** Its content brings a heading. */
  readonly titled?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section className={`card ${classes.panel}`} aria-label={name}>
      {titled ? null : <h2>{name}</h2>}
      {children}
    </section>
  );
}

function Waiting({ situation: { reference, problem } }: { readonly situation: DebiasSituation }) {
  if (problem !== undefined)
    return (
      <Notice tone="bad" title="No penalties could be found on this set">
        <p>{problem}</p>
      </Notice>
    );
  // What is wrong with the set itself stands in its panel.
  if (reference.status === 'failed' || reference.status === 'none') return null;
  return (
    <p className="muted" role="status">
      {reference.status === 'reading' ? 'Reading the reference set…' : 'Finding the penalties…'}
    </p>
  );
}
