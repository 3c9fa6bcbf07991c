/** What every engine error means to a person, and what to do about it. The error's own message says where and what. */
import type { EngineErrorCode } from '@/engine/api/errors.ts';

export interface Remedy {
  readonly title: string;
  readonly whatToDo: string;
  /** The model has to be loaded again before anything else works. */
  readonly reload: boolean;
}

export const remedies: Readonly<Record<EngineErrorCode, Remedy>> = {
  aborted: { title: 'Cancelled', whatToDo: 'Start again whenever you like; nothing was changed.', reload: false },
  'no-model': { title: 'No model is loaded', whatToDo: 'Load a model, then try again.', reload: true },
  'bad-package': {
    title: 'This model package cannot be used',
    whatToDo: 'Get the file named above again, or convert the checkpoint anew. Nothing was loaded from the package.',
    reload: false,
  },
  'bad-input': {
    title: 'This text cannot be scored',
    whatToDo: 'Change what is named above and try again.',
    reload: false,
  },
  'too-long': {
    title: 'The text is longer than the model can read',
    whatToDo:
      'Shorten the conversation or the response. It is not cut silently, because a cut text gets another score.',
    reload: false,
  },
  unproven: {
    title: 'This device did not reproduce the reference numbers',
    whatToDo:
      'No provider passed the package’s canaries, so no score is shown. Try another browser or update the graphics driver.',
    reload: true,
  },
  'device-lost': {
    title: 'The graphics device was lost',
    whatToDo: 'Load the model again. If it happens again, choose the wasm provider in Models: slower, but on the CPU.',
    reload: true,
  },
  'out-of-memory': {
    title: 'There is not enough memory',
    whatToDo: 'Close other tabs, or choose a smaller model, then load again.',
    reload: true,
  },
  network: {
    title: 'A file could not be fetched',
    whatToDo: 'Check the address and the connection, then load again.',
    reload: true,
  },
  storage: {
    title: 'The package could not be kept on this machine',
    whatToDo: 'Models lists what is kept here, with what is missing. What has arrived stays and is not fetched again.',
    reload: true,
  },
  disposed: { title: 'The engine was shut down', whatToDo: 'Reload the page.', reload: false },
  internal: {
    title: 'Something went wrong inside Armoscope',
    whatToDo: 'Load the model again. If it stays, the details below belong in a bug report.',
    reload: true,
  },
};
