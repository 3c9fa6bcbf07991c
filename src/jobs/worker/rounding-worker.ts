/** The entry of a worker that rounds slabs of weights for a conversion. */
import { answerRounding, type RoundingRequest } from '@/jobs/conversion/web-rounder.ts';

self.addEventListener('message', ({ data }: MessageEvent<RoundingRequest>) => {
  const { reply, transfer } = answerRounding(data);
  self.postMessage(reply, { transfer });
});
