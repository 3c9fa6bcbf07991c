/** Every file of the package: its length, its hash, and whether the bytes read here had it. */
import { formatBytes, formatQuantity } from '@/components/number-format.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import classes from './models-view.module.css';

/** `stages[0].data[0]` in words. */
function roleWords(role: string): string {
  const stage = /^stages\[(\d+)\]\.(graph|data)/.exec(role);
  if (stage !== null) return `stage ${Number(stage[1]) + 1}, ${stage[2] === 'graph' ? 'graph' : 'weights'}`;
  return role === 'tokenizerConfig' ? 'tokenizer settings' : role;
}

export function FileTable({ files }: { readonly files: LoadedModel['files'] }) {
  const verified = files.filter((file) => file.verified).length;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <details className={classes.part}>
      <summary>
        {formatQuantity(files.length, 'file')}, {formatBytes(bytes)}:{' '}
        {verified === files.length ? 'every hash verified' : `${verified} of ${files.length} hashes verified`}
      </summary>
      <p className="muted small">
        The SHA-256 of the bytes that were read, against the one the manifest states. A file with another hash is
        refused, and with it the package.
      </p>
      <table className={classes.files} aria-label="Files of the package">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Size</th>
            <th scope="col">Hash</th>
            <th scope="col">SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <tr key={file.file}>
              <th scope="row">
                <code>{file.file}</code>
                <span className="muted"> {roleWords(file.role)}</span>
              </th>
              <td className="numeric">{formatBytes(file.bytes)}</td>
              <td className={file.verified ? classes.verified : undefined}>
                {file.verified ? '✓ verified' : 'not checked'}
              </td>
              <td>
                <code className={classes.hash}>{file.sha256}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
