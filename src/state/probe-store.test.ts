import { beforeEach, expect, test } from 'vitest';
import { JobError } from '@/jobs/api/job-error.ts';
import type { ProbeProgress, ProbeResult, TrainingJobs } from '@/jobs/api/training.ts';
import { cancelProbes, probePartsOf, probeShare, resetProbes, runProbes, useProbes } from './probe-store.ts';
import { scriptedJobs } from './test-training.ts';

beforeEach(resetProbes);

const result: ProbeResult = {
  objectives: 1,
  featureSize: 2,
  probes: [
    { alpha: 10, validationMse: 0.1, trainRows: 8, validationRows: 2, path: [{ alpha: 10, validationMse: 0.1 }] },
  ],
  regression: Float32Array.of(1, 2),
  transform: Float64Array.of(1),
  warnings: [],
};
const request = { features: [{ kind: 'blob' as const, name: 'a.safetensors', blob: new Blob([]) }] };
const jobs = (probe: TrainingJobs['probe']): TrainingJobs => ({ ...scriptedJobs(), probe });

test('progress, then a result with its matrices beside the store', async () => {
  const done = runProbes(
    jobs(async (_, options) => {
      options?.onProgress?.({ stage: 'solve', done: 1, total: 2 });
      expect(useProbes.getState()).toMatchObject({ running: true, progress: { stage: 'solve' } });
      return result;
    }),
    request,
  );
  expect(
    await runProbes(
      jobs(async () => result),
      request,
    ),
    'one at a time',
  ).toBe(false);
  expect(await done).toBe(true);
  const { summary, running } = useProbes.getState();
  expect(summary).toMatchObject({ objectives: 1, names: ['a.safetensors'] });
  expect(running).toBe(false);
  expect(probePartsOf(summary)).toEqual({ regression: result.regression, transform: result.transform });
  expect(probePartsOf({ ...summary!, id: 99 })).toBeUndefined();
});

test('an error is kept in words and leaves the last result', async () => {
  await runProbes(
    jobs(async () => result),
    request,
  );
  const error = new JobError({ code: 'bad-input', message: 'a.safetensors has no labels.' });
  expect(
    await runProbes(
      jobs(() => Promise.reject(error)),
      request,
    ),
  ).toBe(false);
  expect(useProbes.getState()).toMatchObject({ running: false, error: error.toData(), summary: { objectives: 1 } });
});

test('cancelled it says nothing', async () => {
  const running = runProbes(
    jobs(
      (_, options) =>
        new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () =>
            reject(new JobError({ code: 'aborted', message: 'Cancelled.' })),
          );
        }),
    ),
    request,
  );
  cancelProbes();
  expect(await running).toBe(false);
  expect(useProbes.getState()).toMatchObject({ running: false, error: undefined });
});

test('its share rises from 0 to 1 over the stages', () => {
  const stages: (ProbeProgress | undefined)[] = [
    undefined,
    { stage: 'read', pass: 0, passes: 2, doneRows: 5, totalRows: 10 },
    { stage: 'read', pass: 1, passes: 2, doneRows: 10, totalRows: 10 },
    { stage: 'solve', done: 1, total: 2 },
    { stage: 'reference', doneRows: 5, totalRows: 10 },
    { stage: 'penalties', done: 0, total: 3 },
    { stage: 'penalties', done: 3, total: 3 },
  ];
  const shares = stages.map(probeShare);
  expect(shares[0]).toBe(0);
  expect(shares.at(-1)).toBe(1);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
});
