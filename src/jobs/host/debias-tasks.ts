/** Debias' long computations themselves, in this thread. */
import { debiasClaim } from '@/core/debias-claim.ts';
import { comparePenalties, correlationsOf } from '@/core/debias-report.ts';
import type { DebiasCall, DebiasReply } from '@/jobs/api/debias.ts';
import { rewardsOfFeatures } from './feature-rewards.ts';
import { jobErrorFrom } from './job-errors.ts';

/** Never rejects: what goes wrong is in the reply. */
export async function runDebiasTask(call: DebiasCall): Promise<DebiasReply> {
  try {
    return { kind: 'done', result: await perform(call) };
  } catch (cause) {
    return { kind: 'failed', error: jobErrorFrom(cause).toData() };
  }
}

async function perform({ task, request }: DebiasCall) {
  switch (task) {
    case 'penalties':
      return comparePenalties(request.set, request.options);
    case 'correlations':
      return correlationsOf(request.set, request.values, request.options);
    case 'features':
      return rewardsOfFeatures(request);
    default:
      return debiasClaim(request.set, request.transform, request.matchedTolerance, request.options);
  }
}
