/** Debias: how far each objective follows verbosity, the penalties that end it, and what the correction costs. */
import { Panel } from '@/components/panel.tsx';
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
        <Panel className={classes.panel} name="Reference set" heading="Reference set">
          <ReferencePanel situation={situation} />
        </Panel>
        {active === undefined ? null : (
          <Panel className={classes.panel} name="Correction" heading="Correction">
            <CorrectionPanel active={active} subject={subject} verbosity={situation.verbosity} />
          </Panel>
        )}
      </div>
      {subject === undefined ? (
        <Waiting situation={situation} />
      ) : (
        <div className={classes.columns}>
          <div className={classes.stack}>
            <Panel className={classes.panel} name="Correlations" heading="Correlations">
              <CorrelationPanel subject={subject} />
            </Panel>
            <Panel className={classes.panel} name="Penalties λ" heading="Penalties λ">
              <PenaltyPanel subject={subject} />
            </Panel>
          </div>
          <div className={classes.stack}>
            <Panel className={classes.panel} name="What the correction does" heading="What the correction does">
              <EffectPanel subject={subject} />
            </Panel>
            <Panel className={classes.panel} name="Scatter">
              <ScatterPanel subject={subject} />
            </Panel>
            <Panel className={classes.panel} name="What it costs" heading="What it costs">
              <PairsPanel subject={subject} />
            </Panel>
            <Panel className={classes.panel} name="Length sweep" heading="Length sweep">
              <SweepPanel active={subject.active} verbosity={subject.verbosity} />
            </Panel>
          </div>
        </div>
      )}
    </div>
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
