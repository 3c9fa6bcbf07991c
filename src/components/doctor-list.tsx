/** Findings of the checkpoint doctor, the gravest first: an icon and a word for how grave, what was found, what it means. */
import type { ReactElement } from 'react';
import type { DoctorFinding, DoctorSeverity } from '@/core/doctor-findings.ts';
import { formatQuantity } from './number-format.ts';
import { ErrorIcon, FineIcon, NoteIcon, WarningIcon } from './severity-icons.tsx';
import classes from './doctor-list.module.css';

const icons: Readonly<Record<DoctorSeverity, () => ReactElement>> = {
  error: ErrorIcon,
  warning: WarningIcon,
  note: NoteIcon,
  fine: FineIcon,
};
const words: Readonly<Record<DoctorSeverity, string>> = {
  error: 'Error',
  warning: 'Warning',
  note: 'Note',
  fine: 'Fine',
};

/** An error or a warning: scores are wrong, or may not mean what they seem to. */
export function isTrouble({ severity }: DoctorFinding): boolean {
  return severity === 'error' || severity === 'warning';
}

/** How many errors and warnings, in words; `undefined` without any. */
export function troubleWords(findings: readonly DoctorFinding[]): string | undefined {
  const counted = (['error', 'warning'] as const).flatMap((grave) => {
    const count = findings.filter(({ severity }) => severity === grave).length;
    return count === 0 ? [] : [formatQuantity(count, grave)];
  });
  return counted.length === 0 ? undefined : counted.join(', ');
}

export function DoctorList({ findings }: { readonly findings: readonly DoctorFinding[] }) {
  return (
    <ul className={`${classes.findings} numeric`}>
      {findings.map(({ code, severity, subject, found, meaning }) => {
        const SeverityIcon = icons[severity];
        return (
          <li key={code}>
            <span className={`${classes.severity} ${classes[severity] ?? ''}`}>
              <SeverityIcon /> {words[severity]}
            </span>
            <div>
              <p>
                <strong>{subject}.</strong> {found}
              </p>
              <p className="muted">{meaning}</p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
