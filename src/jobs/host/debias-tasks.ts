/** Debias' long computations themselves, in this thread. */
import { debiasClaim } from '@/core/debias-claim.ts';
import { comparePenalties, correlationsOf } from '@/core/debias-report.ts';
import { reportOn } from '@/core/evaluation-report.ts';
import { opfsFileStore } from '@/formats/file-store.ts';
import { rescore } from '@/jobs/evaluation/rescore.ts';
import { ResultCache } from '@/jobs/evaluation/result-cache.ts';
import type { DebiasCall, DebiasReply } from '@/jobs/api/debias.ts';
import { rewardsOfFeatures } from './feature-rewards.ts';
import { jobErrorFrom } from './job-errors.ts';

/** Never rejects: what goes wrong is in the reply. */
export async function runDebiasTask(call: DebiasCall, report?: (progress: DebiasReply) => void): Promise<DebiasReply> {
  try {
    return { kind: 'done', result: await perform(call, report) };
  } catch (cause) {
    return { kind: 'failed', error: jobErrorFrom(cause).toData() };
  }
}

async function perform({ task, request }: DebiasCall, report?: (progress: DebiasReply) => void) {
  switch (task) {
    case 'penalties':
      return comparePenalties(request.set, request.options);
    case 'correlations':
      return correlationsOf(request.set, request.values, request.options);
    case 'features':
      return rewardsOfFeatures(request);
    case 'report':
      return reportOn(request.set, request.scores, request.transform);
    case 'rescore': {
      const { folder, ...asked } = request;
      const cache = await ResultCache.open(opfsFileStore(folder), asked.modelId);
      return rescore({
        ...asked,
        cache,
        onProgress: (doneRows, totalRows) => report?.({ kind: 'progress', doneRows, totalRows }),
      });
    }
    default:
      return debiasClaim(request.set, request.transform, request.matchedTolerance, request.options);
  }
}
