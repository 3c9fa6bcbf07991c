/** A button that opens the browser's file dialog. The same file can be chosen again: the field forgets it. */
import { Button, type ButtonProps } from '@mantine/core';
import { useRef, type ReactNode } from 'react';

interface Props extends Pick<ButtonProps, 'variant' | 'disabled' | 'size'> {
  /** Accessible name of the hidden field. */
  readonly label: string;
  /** Endings and types, as the field's `accept`. */
  readonly accept: string;
  readonly multiple?: boolean;
  /** Called with at least one file. */
  readonly onFiles: (files: readonly [File, ...File[]]) => void;
  readonly children: ReactNode;
}

export function FileButton({ label, accept, multiple = false, onFiles, children, ...button }: Props) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={field}
        type="file"
        hidden
        multiple={multiple}
        accept={accept}
        aria-label={label}
        onChange={({ currentTarget }) => {
          const [first, ...others] = currentTarget.files ?? [];
          currentTarget.value = '';
          if (first !== undefined) onFiles([first, ...others]);
        }}
      />
      <Button size="compact-sm" {...button} onClick={() => field.current?.click()}>
        {children}
      </Button>
    </>
  );
}
