/** The packages kept on this machine, as a person meets them, and as they lie in the origin's private file system. */
import { expect, type BrowserContext, type Locator, type Page, type Route } from '@playwright/test';
import { idle } from './inspect-page.ts';

/** The package that ships with the page: 77 MB, its embedding in two chunks. */
export const shipped = '/models/embedded/';
export const shippedName = 'Armoscope embedded';

export function keptPanel(page: Page): Locator {
  return page.getByRole('region', { name: 'Kept on this machine' });
}

export function keptItems(page: Page): Locator {
  return keptPanel(page).getByRole('list', { name: 'Kept packages' }).locator('> li');
}

/** Opens Models without a model, so that nothing else is loaded beside what is being kept. */
export async function openModelsView(page: Page): Promise<void> {
  await page.goto('/?model=/packages/none/#/models');
  // The fragment alone would not load the page anew.
  await page.reload();
  await idle(page);
}

/** Lets the list of a package's files be seen. */
export async function showFiles(page: Page): Promise<void> {
  await keptItems(page).getByText('Its files').click();
}

export async function keepAddress(page: Page, address: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Address of a package' }).fill(address);
  await page.getByRole('button', { name: 'Keep here' }).click();
}

export interface Fetched {
  readonly file: string;
  readonly range: string;
}

/** Every range of a package's files that is asked for; the first byte, which asks for the length alone, is left out. */
export async function watchRanges(
  context: BrowserContext,
  handle: (file: string, range: string, route: Route) => Promise<boolean> = async () => false,
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  await context.route(/\/models\/embedded\//, async (route) => {
    const file = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
    const range = (await route.request().headerValue('range')) ?? '';
    const wanted = range !== 'bytes=0-0' && range !== '';
    if (wanted) fetched.push({ file, range });
    // A page that is closed answers no more.
    if (!(wanted && (await handle(file, range, route)))) await route.continue().catch(() => undefined);
  });
  return fetched;
}

/** Changes one byte of a kept file behind the page's back. */
export async function spoil(page: Page, file: string, at: number): Promise<void> {
  await page.evaluate(
    async ([name, offset]) => {
      const packages = await (await navigator.storage.getDirectory()).getDirectoryHandle('packages');
      for await (const folder of packages.values()) {
        if (!(folder instanceof FileSystemDirectoryHandle)) continue;
        const handle = await folder.getFileHandle(name);
        const before = new Uint8Array(await (await handle.getFile()).slice(offset, offset + 1).arrayBuffer());
        const stream = await handle.createWritable({ keepExistingData: true });
        await stream.write({ type: 'write', position: offset, data: Uint8Array.of((before[0] ?? 0) ^ 1) });
        await stream.close();
      }
    },
    [file, at] as const,
  );
}

export async function expectOpen(page: Page, name: string | RegExp): Promise<void> {
  await idle(page);
  await expect(page.getByRole('region', { name: 'Model in use' }).getByRole('heading', { name })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Model in use' })).toContainText('Proofs');
}

/** 77 MB come, are hashed and written: on two busy cores that takes longer than a click. */
export async function expectWholePackage(item: Locator): Promise<void> {
  await expect(item).toContainText(/whole, 14\sfiles/, { timeout: 120_000 });
}
