/** What the embedded model's correction did on held-out pairs when it was built (`npm run debias-claim`): figures alone. */
import { queryOptions } from '@tanstack/react-query';
import type { DebiasClaim } from '@/core/debias-claim.ts';
import { sampleUrl } from './sample-url.ts';

export interface MeasuredClaim {
  /** Package id of the model it was measured on. */
  readonly model: string;
  readonly claim: DebiasClaim;
}

export function measuredClaimQuery() {
  return queryOptions({
    queryKey: ['debias', 'measured-claim'],
    queryFn: async ({ signal }): Promise<MeasuredClaim> => {
      const response = await fetch(sampleUrl('debias-claim.json'), { signal });
      if (!response.ok) throw new Error(`The measured figures could not be fetched (${response.status}).`);
      // The page's own file.
      const report: MeasuredClaim = await response.json();
      return report;
    },
  });
}
