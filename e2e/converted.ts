/** A package converted in the page, beside the one that the command line writes. */
import type { Page } from '@playwright/test';
import { expect } from './test.ts';

/** SHA-256 of every file of the one package that is kept, and its manifest. */
export async function keptFiles(page: Page): Promise<{ hashes: Record<string, string>; manifest: string }> {
  return await page.evaluate(async () => {
    const packages = await (await navigator.storage.getDirectory()).getDirectoryHandle('packages');
    const hashes: Record<string, string> = {};
    let manifest = '';
    for await (const kept of packages.values()) {
      if (!(kept instanceof FileSystemDirectoryHandle)) continue;
      for await (const file of kept.values()) {
        if (!(file instanceof FileSystemFileHandle) || file.name.startsWith('.')) continue;
        const bytes = await (await file.getFile()).arrayBuffer();
        if (file.name === 'armoscope.json') manifest = new TextDecoder().decode(bytes);
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
        hashes[file.name] = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
      }
    }
    return { hashes, manifest };
  });
}

/** Numbers that two processors' runtimes compute agree to this; everything else of a manifest is equal. */
const tolerance = 1e-4;

/** The same files with the same bytes; of the manifest, what it computed may differ as far as the processors do. */
export async function expectClosePackages(
  { hashes, manifest }: Awaited<ReturnType<typeof keptFiles>>,
  expectedHashes: Readonly<Record<string, string>>,
  expectedManifest: string,
): Promise<void> {
  expect(Object.keys(hashes).sort()).toEqual(Object.keys(expectedHashes).sort());
  for (const [file, hash] of Object.entries(expectedHashes))
    if (file !== 'armoscope.json') expect(hashes[file], file).toBe(hash);
  expectClose(JSON.parse(manifest), JSON.parse(expectedManifest));
}

function expectClose(actual: unknown, expected: unknown, path = 'manifest'): void {
  if (typeof expected === 'number' && /\.(own|reference)\./.test(path)) {
    expect(Math.abs(Number(actual) - expected), path).toBeLessThan(tolerance);
    return;
  }
  if (typeof expected !== 'object' || expected === null) {
    expect(actual, path).toBe(expected);
    return;
  }
  const [a, b] = [Object.entries(actual ?? {}), Object.entries(expected)];
  expect(
    a.map(([key]) => key),
    path,
  ).toEqual(b.map(([key]) => key));
  for (const [at, [key, value]] of b.entries()) expectClose(a[at]?.[1], value, `${path}.${key}`);
}
