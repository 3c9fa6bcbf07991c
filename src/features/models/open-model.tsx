/** The models at hand, and the ways to another one: a folder, an address. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { keepAddress } from '@/queries/kept-actions.ts';
import { canKeep } from '@/queries/kept-packages.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { usePackageJobs } from '@/queries/package-context.ts';
import { chooseModel, useModelChoice } from '@/state/model-choice.ts';
import { FolderButton } from './folder-input.tsx';
import { ModelList } from './model-list.tsx';
import { openFolder, pickedFolder } from './package-folder.ts';
import classes from './models-view.module.css';

export function OpenModel({ model }: { readonly model: ModelState }) {
  const choice = useModelChoice((state) => state.choice);
  const jobs = usePackageJobs();
  const [address, setAddress] = useState(choice.kind === 'url' ? choice.url : '');
  return (
    <section className={`card ${classes.card}`} aria-label="Open a model">
      <h2>Open a model</h2>
      <ModelList model={model} />
      <div className={classes.row}>
        <FolderButton size="compact-md" label="Package folder" onFiles={(files) => openFolder(pickedFolder(files))}>
          Open a package folder
        </FolderButton>
      </div>
      <p className="muted small">
        A package is a folder with an <code>armoscope.json</code>, written by the converter. It can also be dropped
        anywhere on this page. Files are read here and sent nowhere.
      </p>
      <form
        className={classes.address}
        onSubmit={(event) => {
          event.preventDefault();
          if (address.trim() !== '') chooseModel({ kind: 'url', url: address.trim() });
        }}
      >
        <TextInput
          label="Address of a package"
          placeholder="https://…/armoscope.json"
          type="text"
          inputMode="url"
          value={address}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <Button type="submit" variant="default">
          Open
        </Button>
        <Button
          variant="default"
          disabled={!canKeep()}
          title="Saves it on this machine; it then opens without being fetched"
          onClick={() => {
            if (address.trim() !== '') void keepAddress(jobs, address.trim());
          }}
        >
          Keep here
        </Button>
      </form>
    </section>
  );
}
