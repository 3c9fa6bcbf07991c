/** Models: which model is open, where it runs and how that was proven; other models to open; what this device offers. */
import { useModel } from '@/queries/model-queries.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { ConvertPanel } from './convert-panel.tsx';
import { CurrentModel } from './current-model.tsx';
import { DoctorPanel } from './doctor-panel.tsx';
import { DevicePanel } from './device-panel.tsx';
import { KeptPanel } from './kept-panel.tsx';
import { ObjectiveList } from './objective-list.tsx';
import { OfferedCheckpoint } from './offered-checkpoint.tsx';
import { OpenModel } from './open-model.tsx';
import { PublishedPanel } from './published-panel.tsx';
import { ReportPanel } from './report-panel.tsx';
import classes from './models-view.module.css';

export function ModelsView() {
  const model = useModel();
  const { choice, loadId } = useModelChoice();
  return (
    <div className={classes.view}>
      <h1>Models</h1>
      <div className={classes.columns}>
        <CurrentModel model={model} />
        <div className={classes.column}>
          <OpenModel model={model} />
          <KeptPanel />
          <OfferedCheckpoint />
          <ConvertPanel />
          <DevicePanel loadId={loadId} model={model} />
        </div>
      </div>
      {model.status === 'ready' ? (
        <>
          <DoctorPanel findings={model.model.findings} />
          <PublishedPanel key={model.loadId} model={model.model} />
          <ObjectiveList manifest={model.model.manifest} />
          <ReportPanel choice={choice} loadId={loadId} />
        </>
      ) : null}
    </div>
  );
}
