/** Ways to another model: the embedded one, a folder, an address; and the provider it runs on. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useRef, useState } from 'react';
import { FolderIcon } from '@/components/icons.tsx';
import { providerLabel } from '@/components/provider-words.ts';
import type { Provider } from '@/engine/api/messages.ts';
import { chooseModel, chooseProvider, useModelChoice } from '@/state/model-choice.ts';
import { openFolder, pickedFolder } from './package-folder.ts';
import classes from './models-view.module.css';

/** Those a browser has. */
const providers: readonly Provider[] = ['webgpu', 'webgpu-no-subgroups', 'wasm'];

export function OpenModel() {
  const { choice, provider } = useModelChoice();
  const picker = useRef<HTMLInputElement>(null);
  const [address, setAddress] = useState(choice.kind === 'url' ? choice.url : '');
  return (
    <section className={`card ${classes.card}`} aria-label="Open a model">
      <h2>Open a model</h2>
      <div className={classes.row}>
        <Button
          size="compact-md"
          variant={choice.kind === 'embedded' ? 'light' : 'default'}
          onClick={() => chooseModel({ kind: 'embedded' })}
        >
          Embedded model
        </Button>
        <Button
          size="compact-md"
          variant={choice.kind === 'folder' ? 'light' : 'default'}
          leftSection={<FolderIcon />}
          onClick={() => picker.current?.click()}
        >
          Open a package folder
        </Button>
        <input
          ref={(input) => {
            picker.current = input;
            // React has no property for it.
            input?.setAttribute('webkitdirectory', '');
          }}
          type="file"
          multiple
          hidden
          aria-label="Package folder"
          onChange={(event) => {
            const { files } = event.currentTarget;
            if (files !== null) openFolder(pickedFolder(files));
            event.currentTarget.value = '';
          }}
        />
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
      </form>
      <NativeSelect
        label="Runs on"
        description="By itself, the first that reproduces the package’s canaries. A software adapter is used only when chosen."
        value={provider ?? ''}
        onChange={(event) => {
          const chosen = providers.find((entry) => entry === event.currentTarget.value);
          chooseProvider(chosen);
        }}
        data={[
          { value: '', label: 'The first that proves itself' },
          ...providers.map((entry) => ({ value: entry, label: `Only ${providerLabel(entry)}` })),
        ]}
      />
    </section>
  );
}
