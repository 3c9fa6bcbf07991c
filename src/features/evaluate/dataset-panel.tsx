/** The open dataset: what it is, how its columns are read, and its first records as they would be scored. */
import { Panel } from '@/components/panel.tsx';
import { DatasetCard } from '@/components/dataset-card.tsx';
import { useDatasetCard } from '@/queries/dataset-card.ts';
import { isRunning, useEvaluation, type OpenDataset } from '@/state/evaluation-store.ts';
import classes from './evaluate-view.module.css';

export function DatasetPanel() {
  const { dataset, run } = useEvaluation();
  return dataset === undefined ? null : (
    <Opened key={dataset.id} dataset={dataset} running={isRunning(run)} scored={run.status !== 'idle'} />
  );
}

interface Props {
  readonly dataset: OpenDataset;
  readonly running: boolean;
  readonly scored: boolean;
}

function Opened({ dataset, running, scored }: Props) {
  const card = useDatasetCard(dataset);
  return (
    <Panel name="Open dataset" className={classes.panel}>
      <DatasetCard {...card} running={running} used={scored} />
    </Panel>
  );
}
