/** The gallery: every example by its group, with what it is about. Each entry is a link that can be copied. */
import { useEffect, useState } from 'react';
import { Dialog } from '@/components/dialog.tsx';
import type { Example } from '@/samples/example.ts';
import { exampleAddress, loadExamples } from '@/state/examples.ts';
import { useInspect } from '@/state/inspect-store.ts';
import type { DialogProps } from './inspect-dialogs.tsx';
import classes from './inspect-dialogs.module.css';

export function ExamplesDialog({ onClose }: DialogProps) {
  const [examples, setExamples] = useState<readonly Example[]>([]);
  const [problem, setProblem] = useState<string>();
  const origin = useInspect((state) => state.origin);
  useEffect(() => {
    loadExamples().then(setExamples, () =>
      setProblem('The examples could not be fetched. Check the connection, and open this again.'),
    );
  }, []);
  return (
    <Dialog title="Examples" onClose={onClose}>
      <div className={classes.body}>
        {problem === undefined ? null : <p role="alert">{problem}</p>}
        <ul className={classes.gallery}>
          {examples.map((example) => (
            <li key={example.name}>
              <a
                href={exampleAddress(example.name)}
                className={classes.example}
                aria-current={origin?.kind === 'example' && origin.name === example.name ? 'true' : undefined}
                onClick={onClose}
              >
                <span className={classes.group}>{example.group}</span>
                <strong>{example.title}</strong>
                <span className="muted small">{example.about}</span>
              </a>
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  );
}
