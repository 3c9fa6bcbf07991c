/** Which recorded results may be shown beside the model in use. */
import { equalMessages, type Submission } from '@/state/inspect-store.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { recordingAt, type Recording } from '@/state/recordings.ts';

/**
 * The recording that belongs to a submission, where it may be shown: an example's results are the embedded model's and are not
 * shown beside another model; results opened with their file or from the history are, until Score is pressed.
 */
export function useRecording(submission: Submission | undefined, loadedId: string | undefined): Recording | undefined {
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  const recording = recordingAt(submission?.recording);
  if (submission === undefined || recording === undefined) return undefined;
  if (submission.mode === 'recorded') return recording;
  if (!equalMessages(submission.messages, recording.messages)) return undefined;
  const sameModel = loadedId === undefined ? embedded : loadedId === recording.manifest.id;
  return sameModel ? recording : undefined;
}
