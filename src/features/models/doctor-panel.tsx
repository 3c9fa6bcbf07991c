/** What is wrong with, odd about or good to know of the loaded checkpoint. */
import { DoctorList, isTrouble, troubleWords } from '@/components/doctor-list.tsx';
import { formatQuantity } from '@/components/number-format.ts';
import type { DoctorFinding } from '@/core/doctor-findings.ts';
import classes from './models-view.module.css';

export function DoctorPanel({ findings }: { readonly findings: readonly DoctorFinding[] }) {
  const fine = findings.filter(({ severity }) => severity === 'fine');
  const told = findings.filter(({ severity }) => severity !== 'fine');
  const notes = told.filter((finding) => !isTrouble(finding)).length;
  const troubles = troubleWords(findings);
  return (
    <section className={`card ${classes.card}`} aria-label="Checkpoint doctor">
      <h2>Checkpoint doctor</h2>
      <p className="muted small">
        {troubles === undefined
          ? 'Nothing here makes a score wrong'
          : `${troubles}: read these before you trust a score`}
        {notes === 0 ? '' : `; ${formatQuantity(notes, 'note')}`}. Looked at again at every load.
      </p>
      {told.length === 0 ? null : <DoctorList findings={told} />}
      <details className={classes.part}>
        <summary>{fine.length} more looked at and fine</summary>
        <DoctorList findings={fine} />
      </details>
    </section>
  );
}
