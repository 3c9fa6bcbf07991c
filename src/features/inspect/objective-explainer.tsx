/** Lets every objective's name on the results explain itself: one dialog for all of them, fetched when it is first opened. */
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { ExplainObjectiveContext } from '@/components/explain-objective.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { trackWork } from '@/state/pending-work.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import type { Inspection } from './use-inspection.ts';

const LazyDialog = lazy(async () => {
  const module = await trackWork(import('./objective-dialog.tsx'));
  return { default: module.ObjectiveDialog };
});

interface Props {
  readonly inspection: Inspection;
  readonly model: ModelState;
  readonly children: ReactNode;
}

export function ObjectiveExplainer({ inspection, model, children }: Props) {
  const [name, setName] = useState<string>();
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  const { manifest, entries } = inspection;
  const index = manifest?.objectives.findIndex((objective) => objective.name === name) ?? -1;
  // The report is the chosen package's; results opened from a file may be another model's.
  const ownReport = model.status === 'ready' ? model.model.manifest.id === manifest?.id : embedded;
  return (
    <ExplainObjectiveContext value={setName}>
      {children}
      {manifest === undefined || index === -1 ? null : (
        <Suspense fallback={null}>
          <LazyDialog
            manifest={manifest}
            index={index}
            entries={entries}
            ownReport={ownReport}
            onClose={() => setName(undefined)}
          />
        </Suspense>
      )}
    </ExplainObjectiveContext>
  );
}
