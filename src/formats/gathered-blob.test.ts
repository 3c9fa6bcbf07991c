import { afterEach, expect, it, vi } from 'vitest';
import { GATHERED_BYTES, GatheredBlob } from './gathered-blob.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

it('gives the bytes in order, and lets no more wait than it says', async () => {
  const made: number[] = [];
  const Real = Blob;
  vi.stubGlobal(
    'Blob',
    class extends Real {
      constructor(parts: BlobPart[]) {
        super(parts);
        if (!parts.some((part) => part instanceof Real)) made.push(this.size);
      }
    },
  );
  const arriving = 3_000_000;
  const count = 7;
  const gathered = new GatheredBlob();
  const all = new Uint8Array(arriving * count);
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(arriving).fill(i + 1);
    all.set(bytes, i * arriving);
    gathered.add(bytes);
  }
  const blob = gathered.blob();
  expect(made.length).toBeGreaterThan(2);
  for (const size of made) expect(size).toBeLessThan(GATHERED_BYTES + arriving);
  expect(Buffer.from(await blob.arrayBuffer()).equals(Buffer.from(all))).toBe(true);
  expect(new GatheredBlob().blob().size).toBe(0);
});
