import type { MemoryPlan } from './messages.ts';

/** Prompts that share the loading of the stages: at 4 GB of weights a second or two of it for each, and at most these are lost with a closed page. */
const streamedRequests = 32;

/** Requests that whoever has many should have under way at once: where stages are streamed, all of them share every loading. */
export function requestsAtOnce({ mode }: Pick<MemoryPlan, 'mode'>): number {
  return mode === 'streamed' ? streamedRequests : 1;
}
