/** Steer: move the weights by hand and see which response would win. Nothing is run again. */
import { Button } from '@mantine/core';
import { useDeferredValue, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Link } from 'wouter';
import { Panel } from '@/components/panel.tsx';
import { Notice } from '@/components/notice.tsx';
import { scoredSetOf, useLoadedSet } from '@/state/loaded-set.ts';
import { FlipPanel } from './flip-panel.tsx';
import { GateRadar } from './gate-radar.tsx';
import { HandlePanel } from './handle-panel.tsx';
import { MarginChart } from './margin-chart.tsx';
import { PathPanel } from './path-panel.tsx';
import { Ranking } from './ranking.tsx';
import { RegionPanel } from './region-panel.tsx';
import { ResultBar } from './result-bar.tsx';
import { SetPanel } from './set-panel.tsx';
import { SensitivityPanel } from './sensitivity-panel.tsx';
import { SteerHint } from './steer-hint.tsx';
import { SteerToolbar } from './steer-toolbar.tsx';
import { useLinkSteering } from './use-link-steering.ts';
import { useHeadSet } from '@/queries/head-set.ts';
import { useSetScores } from '@/queries/use-set-scores.ts';
import { useSteerSubject, type SteerSubject } from './use-steer-subject.ts';
import classes from './steer-view.module.css';

export function SteerView() {
  const state = useSteerSubject();
  const linkProblem = useLinkSteering(state.status === 'ready' ? state.subject : undefined);
  return (
    <>
      <h1 className="visually-hidden">Steer</h1>
      {linkProblem === undefined ? null : (
        <div className={classes.notice}>
          <Notice tone="warn" title="The weights of this link do not fit">
            <p>{linkProblem}</p>
          </Notice>
        </div>
      )}
      {state.status === 'ready' ? <Ready subject={state.subject} /> : <Empty status={state.status} />}
    </>
  );
}

function Empty({ status }: { readonly status: 'no-model' | 'nothing-scored' | 'needs-features' }) {
  if (status === 'needs-features')
    return (
      <Notice tone="warn" title="These scores cannot be read under the head in use">
        <p>
          The head reads what the model saw in the texts, and these results do not bring that along. Score the responses
          again in Inspect, or choose the model’s own head above.
        </p>
        <div>
          <Button size="compact-sm" variant="default" component={Link} href="/">
            Open Inspect
          </Button>
        </div>
      </Notice>
    );
  return (
    <Notice tone="plain" title={status === 'no-model' ? 'The model is not ready yet' : 'Nothing is scored yet'}>
      <p>
        Steer works on the responses that Inspect has scored: write two answers there, press Score, and come back to
        move the weights until the other one wins.
      </p>
      <div>
        <Button size="compact-sm" variant="default" component={Link} href="/">
          Open Inspect
        </Button>
      </div>
    </Notice>
  );
}

function Ready({ subject }: { readonly subject: SteerSubject }) {
  const summary = useLoadedSet((state) => state.summary);
  const shown = useHeadSet(scoredSetOf(summary), summary?.id, subject.active);
  // Sliders move the head in force: under another one the set's scores would not be theirs.
  const loaded = useSetScores(shown?.standIn === undefined ? shown?.head : undefined, shown?.set, subject.steering);
  const flips = loaded === undefined ? undefined : { count: loaded.scores.flipCount, groups: loaded.set.groups };
  // What explains the numbers may come a frame after them.
  const later = useDeferredValue(subject);
  const flip = useRef<HTMLElement>(null);
  const [flipShown, setFlipShown] = useState(false);
  const showFlip = () => {
    flushSync(() => setFlipShown(true));
    flip.current?.focus({ preventScroll: true });
    flip.current?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <div className={classes.view}>
      <ResultBar subject={subject} flips={flips} />
      <SteerHint subject={subject} />
      <div className={classes.columns}>
        <div className={classes.handles}>
          <SteerToolbar subject={subject} onSmallestFlip={showFlip} />
          <HandlePanel subject={subject} />
          <Panel className={classes.panel} name="Sensitivity" heading="Sensitivity">
            <SensitivityPanel subject={later} />
          </Panel>
          <Panel className={classes.panel} name="Win region" heading="Win region">
            <RegionPanel subject={later} />
          </Panel>
        </div>
        <div className={classes.results}>
          <Panel name="Responses" className={classes.panel}>
            <h2>{subject.fromSet ? 'Responses of a group of the set' : 'Responses'}</h2>
            <Ranking subject={subject} />
          </Panel>
          <SetPanel active={subject.active} loaded={loaded} standIn={shown?.standIn} />
          {flipShown ? (
            <Panel
              ref={flip}
              name="Least change that flips the pair"
              heading="Smallest flip"
              className={classes.panel}
              tabIndex={-1}
            >
              <FlipPanel subject={later} />
            </Panel>
          ) : null}
          <Panel className={classes.panel} name="Margin">
            <MarginChart subject={later} />
          </Panel>
          <Panel className={classes.panel} name="Gate">
            <GateRadar subject={later} />
          </Panel>
          <Panel className={classes.panel} name="Way to a flip" heading="Way to a flip">
            <PathPanel subject={later} />
          </Panel>
        </div>
      </div>
    </div>
  );
}
