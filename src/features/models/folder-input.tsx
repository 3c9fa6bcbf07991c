/** The hidden input behind a button that chooses a folder. */
import type { Ref } from 'react';

interface Props {
  readonly ref: Ref<HTMLInputElement>;
  readonly label: string;
  readonly onFiles: (files: FileList) => void;
}

export function FolderInput({ ref, label, onFiles }: Props) {
  return (
    <input
      ref={ref}
      // React's types have no name for it, its attributes do.
      {...{ webkitdirectory: '' }}
      type="file"
      multiple
      hidden
      aria-label={label}
      onChange={(event) => {
        const { files } = event.currentTarget;
        if (files !== null && files.length > 0) onFiles(files);
        event.currentTarget.value = '';
      }}
    />
  );
}
