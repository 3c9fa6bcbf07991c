/** Access handles of files in the origin's private file system, as workers have them; the type library of pages does not know them. */
export interface SyncAccessHandle {
  read(buffer: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(buffer: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
interface SyncFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(options?: { readonly mode: AccessMode }): Promise<SyncAccessHandle>;
}
/** Reading is shared where the browser knows modes (Chromium 121); elsewhere a handle is always the only one. */
export type AccessMode = 'readwrite' | 'read-only';

function hasAccess(handle: FileSystemFileHandle): handle is SyncFileHandle {
  return 'createSyncAccessHandle' in handle;
}

/** @returns `undefined` where there are no access handles: outside workers. @throws what the browser does, also where another holds the file. */
export async function openAccess(
  handle: FileSystemFileHandle,
  mode: AccessMode,
): Promise<SyncAccessHandle | undefined> {
  return hasAccess(handle) ? await handle.createSyncAccessHandle({ mode }) : undefined;
}

/** How long a writer waits for readers, and between its attempts. */
export interface Patience {
  readonly waitMs: number;
  readonly pollMs: number;
}
/** A stage of a large model is read in seconds, on a slow machine in tens of them. */
const patient: Patience = { waitMs: 60_000, pollMs: 200 };

/**
 * As `openAccess` for writing, where a tab may just be reading the file: waits until it is done.
 * @throws NoModificationAllowedError where the file is still held after that.
 */
export async function openForWriting(
  handle: FileSystemFileHandle,
  { waitMs, pollMs }: Patience = patient,
): Promise<SyncAccessHandle | undefined> {
  for (let waited = 0; ; waited += pollMs) {
    try {
      return await openAccess(handle, 'readwrite');
    } catch (error) {
      const held = error instanceof Error && error.name === 'NoModificationAllowedError';
      if (!held || waited >= waitMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
