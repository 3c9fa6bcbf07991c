/**
 * Draws nothing. Keeps the scoring query alive while another view is open, and scores the untouched example once the first
 * model is ready, so that a first visitor sees a result without pressing anything.
 */
import { useEffect } from 'react';
import { useModel } from '@/queries/model-queries.ts';
import { submitConversation, useInspect } from '@/state/inspect-store.ts';
import { useSubmission } from './use-inspection.ts';

export function InspectRunner() {
  const model = useModel();
  useSubmission(model);
  const ready = model.status === 'ready';
  useEffect(() => {
    const { pristine, submission } = useInspect.getState();
    if (ready && pristine && submission === undefined) submitConversation();
  }, [ready]);
  return undefined;
}
