/** Says that a set is not shown under the head in force, and why. */
import { Notice } from './notice.tsx';

interface Props {
  /** Name of the head in force. */
  readonly head: string;
  /** It is being applied. */
  readonly working: boolean;
  readonly why: string;
  /** What is shown in its place. */
  readonly instead: string;
}

export function StandInNotice({ head, working, why, instead }: Props) {
  return (
    <Notice
      tone={working ? 'plain' : 'warn'}
      title={working ? `Applying the head “${head}”` : `The head “${head}” is not used here`}
    >
      <p className="numeric" role="status" aria-label="Head on this set" aria-live="off">
        {why} {instead}
      </p>
    </Notice>
  );
}
