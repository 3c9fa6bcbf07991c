/** What every error of a job means to a person, and what to do about it. The error's own message says where and what. */
import type { JobErrorCode } from '@/jobs/api/job-error.ts';

export interface JobRemedy {
  readonly title: string;
  readonly whatToDo: string;
}

export const jobRemedies: Readonly<Record<JobErrorCode, JobRemedy>> = {
  aborted: { title: 'Cancelled', whatToDo: 'Start again whenever you like; nothing was changed.' },
  'bad-input': { title: 'This cannot be trained on', whatToDo: 'Change what is named above, then try again.' },
  diverged: {
    title: 'The run diverged',
    whatToDo:
      'Numbers grew beyond what a computer can hold. Lower the learning rate or the initial β, then train again.',
  },
  'device-lost': {
    title: 'The graphics device was lost',
    whatToDo: 'Go on from the last checkpoint; if it happens again, choose the CPU under “Device”.',
  },
  'out-of-memory': {
    title: 'There is not enough memory',
    whatToDo: 'Close other tabs, or train a narrower gate with a smaller batch.',
  },
  storage: {
    title: 'A checkpoint could not be stored',
    whatToDo: 'Make room on this machine or delete old runs, then go on from the last checkpoint.',
  },
  busy: { title: 'Another tab is at it', whatToDo: 'Wait until it is done there, or close that tab.' },
  network: { title: 'A file could not be fetched', whatToDo: 'Check the connection, then try again.' },
  internal: {
    title: 'Something went wrong inside Armoscope',
    whatToDo: 'Go on from the last checkpoint. If it stays, the details below belong in a bug report.',
  },
};
