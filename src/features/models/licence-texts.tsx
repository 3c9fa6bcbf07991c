/** Licence, notice and read-me of the package, fetched when they are opened. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { packageTextQuery, packageTexts, type PackageText } from '@/queries/package-text-query.ts';
import type { ModelChoice } from '@/state/model-choice.ts';
import classes from './models-view.module.css';

const titles: Readonly<Record<PackageText, string>> = {
  LICENSE: 'Licence text',
  NOTICE: 'Notice: what the model was made from',
  'README.md': 'Read-me of the package',
};

interface Props {
  readonly choice: ModelChoice;
  readonly loadId: number;
}

export function LicenceTexts(props: Props) {
  return packageTexts.map((file) => <LicenceText key={file} file={file} {...props} />);
}

function LicenceText({ choice, loadId, file }: Props & { readonly file: PackageText }) {
  const [opened, setOpened] = useState(false);
  const text = useQuery({ ...packageTextQuery(choice, loadId, file), enabled: opened });
  return (
    <details className={classes.part} onToggle={(event) => setOpened(opened || event.currentTarget.open)}>
      <summary>{titles[file]}</summary>
      {text.data === undefined ? (
        <p className="muted small">
          {text.error === null ? 'Being fetched …' : `${file} could not be fetched: ${text.error.message}`}
        </p>
      ) : text.data === null ? (
        <p className="muted small">The package brings no {file}.</p>
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className={classes.notice} role="region" aria-label={titles[file]} tabIndex={0}>
          {text.data}
        </pre>
      )}
    </details>
  );
}
