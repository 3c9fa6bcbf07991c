import { describe, expect, it } from 'vitest';
import { openForWriting } from './access-handle.ts';

const patience = { waitMs: 3, pollMs: 1 };

function heldHandle(refusals: number, name = 'NoModificationAllowedError') {
  const modes: string[] = [];
  const access = {};
  const handle = {
    async createSyncAccessHandle({ mode }: { mode: string }) {
      modes.push(mode);
      if (modes.length <= refusals) throw new DOMException('held', name);
      return access;
    },
  };
  return { handle: handle as unknown as FileSystemFileHandle, access, modes };
}

describe('openForWriting', () => {
  it('waits for who reads the file', async () => {
    const { handle, access, modes } = heldHandle(2);
    expect(await openForWriting(handle, patience)).toBe(access);
    expect(modes).toEqual(['readwrite', 'readwrite', 'readwrite']);
  });

  it('does not wait for ever, nor after another error', async () => {
    await expect(openForWriting(heldHandle(99).handle, patience)).rejects.toMatchObject({
      name: 'NoModificationAllowedError',
    });
    const { handle, modes } = heldHandle(99, 'NotFoundError');
    await expect(openForWriting(handle, patience)).rejects.toMatchObject({ name: 'NotFoundError' });
    expect(modes).toHaveLength(1);
  });

  it('gives nothing where there are no access handles', async () => {
    expect(await openForWriting({} as FileSystemFileHandle, patience)).toBeUndefined();
  });
});
