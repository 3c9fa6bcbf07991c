/** Choosing a folder: the hidden input behind whatever asks for it, and the usual button with its own. */
import { Button, type ButtonProps } from '@mantine/core';
import { useRef, type ReactNode, type Ref } from 'react';
import { FolderIcon } from '@/components/icons.tsx';

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

interface ButtonOfFolder extends Omit<Props, 'ref'>, Pick<ButtonProps, 'size' | 'disabled'> {
  readonly children: ReactNode;
}

/** @param label accessible name of the hidden field. */
export function FolderButton({ label, onFiles, children, ...button }: ButtonOfFolder) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button variant="default" leftSection={<FolderIcon />} {...button} onClick={() => field.current?.click()}>
        {children}
      </Button>
      <FolderInput ref={field} label={label} onFiles={onFiles} />
    </>
  );
}
