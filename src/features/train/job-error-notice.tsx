/** An error of a job as the person meets it: what was wrong, where, what to do. */
import type { ReactNode } from 'react';
import { Notice } from '@/components/notice.tsx';
import type { JobErrorData } from '@/jobs/api/job-error.ts';
import { jobRemedies } from './job-remedies.ts';

interface Props {
  readonly error: JobErrorData;
  readonly children?: ReactNode;
}

export function JobErrorNotice({ error, children }: Props) {
  const { title, whatToDo } = jobRemedies[error.code];
  return (
    <Notice tone="bad" title={title}>
      <p>{error.message}</p>
      <p className="muted">{whatToDo}</p>
      {error.detail === undefined ? null : (
        <details>
          <summary>Details for a bug report</summary>
          <pre>{error.detail}</pre>
        </details>
      )}
      {children}
    </Notice>
  );
}
