/**
 * Draws nothing. Keeps the scoring query alive while another view is open, and with it the promise that an untouched example is
 * scored by itself as soon as the model is ready.
 */
import { useModel } from '@/queries/model-queries.ts';
import { useSubmission } from './use-inspection.ts';

export function InspectRunner() {
  useSubmission(useModel());
  return undefined;
}
