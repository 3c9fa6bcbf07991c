/**
 * Draws nothing. Keeps the scoring query alive while another view is open, with it the promise that an untouched example is scored
 * by itself as soon as the model is ready, and adds what the person asked for to the history.
 */
import { useEffect } from 'react';
import { useModel } from '@/queries/model-queries.ts';
import { useInspect } from '@/state/inspect-store.ts';
import { inspectedModel, inspectionFile, packageHashOf, textsOf } from '@/state/inspection-exchange.ts';
import { addToHistory } from '@/state/inspection-history.ts';
import { trackWork } from '@/state/pending-work.ts';
import { useSubmission } from './use-inspection.ts';

export function InspectRunner() {
  const model = useModel();
  const { data } = useSubmission(model);
  const submission = useInspect((state) => state.submission);
  const loaded = model.status === 'ready' ? model.model : undefined;
  useEffect(() => {
    if (submission?.mode !== 'asked' || loaded === undefined || data?.length !== submission.responses.length) return;
    const createdAt = new Date();
    const texts = textsOf(
      submission.messages,
      submission.responses.map((response) => response.text),
    );
    const keep = async () => {
      const packageSha256 = await packageHashOf(loaded.manifest);
      const model = inspectedModel(loaded);
      await addToHistory(inspectionFile({ model, packageSha256, texts, scored: data, createdAt }), createdAt.getTime());
    };
    void trackWork(keep());
  }, [data, loaded, submission]);
  return undefined;
}
