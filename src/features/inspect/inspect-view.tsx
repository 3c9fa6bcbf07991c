/** Inspect: a conversation and its responses on one side, why they scored as they did on the other. */
import { useModel } from '@/queries/model-queries.ts';
import { useInspect } from '@/state/inspect-store.ts';
import { Composer } from './composer.tsx';
import { Comparison } from './lazy-analysis.tsx';
import { ModelBanner } from './model-banner.tsx';
import { ObjectiveExplainer } from './objective-explainer.tsx';
import { OriginCard } from './origin-card.tsx';
import { ResponsePanel } from './response-panel.tsx';
import { VariantNotice } from './variant-notice.tsx';
import { useInspection } from './use-inspection.ts';
import classes from './inspect-view.module.css';

export function InspectView() {
  const model = useModel();
  const inspection = useInspection(model);
  const conversation = useInspect((state) => state.conversation);
  const loading = model.status === 'loading';
  return (
    <div className={classes.layout}>
      <h1 className="visually-hidden">Inspect</h1>
      <Composer inspection={inspection} />
      <ObjectiveExplainer inspection={inspection} model={model}>
        <div className={classes.results}>
          <OriginCard inspection={inspection} model={model} />
          {/* While it loads, the banner lies at the foot of the window: it comes and goes without moving the page. */}
          {loading ? null : <ModelBanner model={model} />}
          <VariantNotice active={inspection.active} entries={inspection.entries} />
          {inspection.manifest === undefined ? null : (
            <Comparison manifest={inspection.manifest} entries={inspection.entries} />
          )}
          <div className={classes.panels}>
            {conversation.responses.map((response, index) => (
              <ResponsePanel
                key={response.id}
                index={index}
                entry={inspection.entries[index]}
                manifest={inspection.manifest}
                largestContribution={inspection.largestContribution}
              />
            ))}
          </div>
          {loading ? <ModelBanner model={model} /> : null}
        </div>
      </ObjectiveExplainer>
    </div>
  );
}
