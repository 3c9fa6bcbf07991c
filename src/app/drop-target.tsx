/**
 * What is dropped anywhere on the page is opened: a model package, an inspection, a conversation as JSON; other files go to the view
 * that is shown, where it takes them.
 */
import { useEffect, useState } from 'react';
import { navigate } from 'wouter/use-hash-location';
import { openFolder, packageFiles, readDropped, type FolderFiles } from '@/features/models/package-folder.ts';
import { importText } from '@/queries/inspection-import.ts';
import { dropReceiver, useDropReceiver } from '@/state/drop-receiver.ts';
import { reportImportProblem } from '@/state/opened-link.ts';
import { trackWork } from '@/state/pending-work.ts';
import classes from './shell.module.css';

const MANIFEST_FILE = 'armoscope.json';

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

/**
 * What the shown view takes is its own. One JSON file that is no manifest holds texts; everything else is a folder of a package or of
 * a checkpoint, or is refused as one.
 */
async function openDropped(folder: FolderFiles): Promise<void> {
  const receiver = dropReceiver();
  const files = folder.files.map(({ path, blob }) => ({ name: path.slice(path.lastIndexOf('/') + 1), blob }));
  if (receiver !== undefined && files.some(({ name }) => receiver.takes(name)) && packageFiles(folder) === undefined) {
    receiver.receive(files);
    return;
  }
  const [only] = folder.files;
  if (folder.files.length !== 1 || only === undefined || !isTextFile(only.path)) {
    // A checkpoint is converted in Models; what the folder is stands there.
    if (openFolder(folder) === 'checkpoint') navigate('/models');
    return;
  }
  const problem = await importText(await only.blob.text(), only.path);
  if (problem === undefined) navigate('/');
  else reportImportProblem(problem);
}

function isTextFile(path: string): boolean {
  return /\.json$/i.test(path) && path !== MANIFEST_FILE;
}

export function DropTarget() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    // Entering a child leaves its parent: only the difference says whether the pointer is still over the page.
    let depth = 0;
    const enter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const allow = (event: DragEvent) => {
      if (carriesFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      void trackWork(readDropped(event.dataTransfer).then(openDropped));
    };
    window.addEventListener('dragenter', enter);
    window.addEventListener('dragleave', leave);
    window.addEventListener('dragover', allow);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragenter', enter);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('dragover', allow);
      window.removeEventListener('drop', drop);
    };
  }, []);
  const label = useDropReceiver()?.label ?? 'Drop a model package, an inspection or a conversation to open it';
  return over ? <div className={classes.dropzone}>{label}</div> : undefined;
}
