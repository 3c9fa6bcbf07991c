/** Packages kept on this machine: saved, resumed, verified, repaired, deleted; faulty servers, a full disk, two tabs. */
import { fileURLToPath } from 'node:url';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { idle } from './inspect-page.ts';
import {
  expectOpen,
  expectWholePackage,
  keepAddress,
  keptItems,
  keptPanel,
  openModelsView,
  showFiles,
  shipped,
  shippedName,
  spoil,
  watchRanges,
} from './kept-page.ts';
import { expect, test } from './test.ts';

const MiB = 2 ** 20;
const secondChunk = `bytes=${16 * MiB}-30081183`;
/** What a whole package says, where one that is not says "0 of 6 files whole". */
const wholeTiny = /whole, 6\sfiles/;
const tinyFolder = fileURLToPath(new URL('../.cache/e2e/multidomain-tiny', import.meta.url));

test('a tab that is closed in the middle goes on where it was', async ({ page, context }) => {
  let held = true;
  let reached = (): void => undefined;
  const inFlight = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const fetched = await watchRanges(context, async (_, range) => {
    if (range === secondChunk) reached();
    return held && range === secondChunk;
  });
  await openModelsView(page);
  await keepAddress(page, shipped);
  await inFlight;
  await expect(keptItems(page)).toContainText(`Saving ${shippedName}`);
  // Everything beside it has arrived, so that one chunk alone is on its way.
  await expect(keptItems(page)).toContainText(/13 of 14\sfiles whole/, { timeout: 120_000 });
  await page.close();
  held = false;

  const again = await context.newPage();
  await openModelsView(again);
  const item = keptItems(again);
  await expect(item).toContainText('partial');
  await expectNoViolations(again, 'partial');
  const before = fetched.length;
  await item.getByRole('button', { name: `Resume ${shippedName}` }).click();
  await expectWholePackage(item);
  await idle(again);
  // Nothing of what had arrived is fetched again: the chunk in flight is, and the small texts that lie beside the model.
  const anew = fetched.slice(before).filter(({ file }) => fetched.slice(0, before).some((old) => old.file === file));
  expect(anew.filter(({ file }) => file !== 'armoscope.json')).toEqual([
    { file: 'embedding.safetensors', range: secondChunk },
  ]);
});

test('a server that answers 416, breaks off and changes its ETag still gives the whole package', async ({
  page,
  context,
}) => {
  const faults = new Map([
    ['stage-00.data', '416'],
    ['stage-01.data', 'short'],
    ['embedding.safetensors', 'etag'],
  ]);
  const fetched = await watchRanges(context, async (file, range, route) => {
    const fault = faults.get(file);
    if (fault === undefined || (fault === 'etag' && range !== secondChunk)) return false;
    faults.delete(file);
    if (fault === '416') {
      await route.fulfill({ status: 416, headers: { 'content-range': 'bytes */8847360' } });
      return true;
    }
    const answer = await route.fetch();
    const body = await answer.body();
    await (fault === 'short'
      ? route.fulfill({
          response: answer,
          body: body.subarray(0, 1_000_000),
          headers: { ...answer.headers(), 'content-length': '1000000' },
        })
      : route.fulfill({ response: answer, headers: { ...answer.headers(), etag: '"another"' } }));
    return true;
  });
  await openModelsView(page);
  await keepAddress(page, shipped);
  await expectWholePackage(keptItems(page));
  expect(faults.size).toBe(0);
  const ranges = (name: string) => fetched.filter(({ file }) => file === name).map(({ range }) => range);
  // Taken up where it broke off, not begun anew.
  expect(ranges('stage-01.data')).toEqual(['bytes=0-8847359', 'bytes=1000000-8847359']);
  expect(ranges('embedding.safetensors')).toEqual([
    `bytes=0-${16 * MiB - 1}`,
    secondChunk,
    `bytes=0-${16 * MiB - 1}`,
    secondChunk,
  ]);
});

test('a full disk says what is missing; with room it goes on', async ({ page, context }) => {
  await openModelsView(page);
  const cdp = await context.newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 40_000_000 });
  await keepAddress(page, shipped);
  const item = keptItems(page);
  await expect(item.getByRole('alert')).toContainText(
    /no room left.*MB are still needed.*takes no more, although.*free/,
  );
  await expect(item).toContainText('partial');
  await expectNoViolations(page, 'no room');
  await cdp.send('Storage.overrideQuotaForOrigin', { origin });
  await item.getByRole('button', { name: `Resume ${shippedName}` }).click();
  await expectWholePackage(item);
  await expect(item.getByRole('alert')).toHaveCount(0);
});

test('verifying finds the broken chunk, and repairing fetches it alone', async ({ page, context }) => {
  await openModelsView(page);
  await keepAddress(page, shipped);
  const item = keptItems(page);
  await expectWholePackage(item);
  await spoil(page, 'embedding.safetensors', 20 * MiB);
  await item.getByRole('button', { name: `Verify ${shippedName}` }).click();
  await expect(item).toContainText(/broken: 1\schunk of 15\schunks/);
  await showFiles(page);
  await expect(item.getByRole('row', { name: /embedding/ })).toContainText(/broken: 1 of 2\schunks/);
  await expectWholeAtEveryWidth(page, 'broken');
  const fetched = await watchRanges(context);
  await item.getByRole('button', { name: `Repair ${shippedName}` }).click();
  await expectWholePackage(item);
  expect(fetched.filter(({ range, file }) => range !== '' && /data|onnx|safetensors|tokenizer/.test(file))).toEqual([
    { file: 'embedding.safetensors', range: secondChunk },
  ]);
  await item.getByRole('button', { name: `Verify ${shippedName}` }).click();
  await expect(item.getByRole('status')).toContainText('as it was written');
});

test('a package from an address is kept and then needs no network, by its address too', async ({ page, context }) => {
  await openModelsView(page);
  await keepAddress(page, '/packages/multidomain-tiny/');
  await expect(keptItems(page)).toContainText(wholeTiny);
  // By its path: the page's own address names the package too.
  await context.route(
    ({ pathname }) => pathname.startsWith('/packages/multidomain-tiny/'),
    (route) => route.abort(),
  );
  await page.goto('/?model=/packages/multidomain-tiny/#/models');
  await expectOpen(page, 'multidomain-tiny');
});

test('a folder is kept, opened after a reload, deleted, brought back, and gone in the end', async ({ page }) => {
  await openModelsView(page);
  await page.getByLabel('Package folder').setInputFiles(tinyFolder);
  await expectOpen(page, 'multidomain-tiny');
  await page.getByRole('button', { name: 'Keep on this machine' }).click();
  const item = keptItems(page);
  await expect(item).toContainText('from the folder multidomain-tiny');
  await expect(item).toContainText(wholeTiny);
  await expect(page.getByRole('button', { name: 'Keep on this machine' })).toHaveCount(0);
  await openModelsView(page);
  await item.getByRole('button', { name: 'Open multidomain-tiny, kept here' }).click();
  await expectOpen(page, 'multidomain-tiny');
  await openModelsView(page);
  await item.getByRole('button', { name: 'Delete multidomain-tiny' }).click();
  await expect(item).toContainText('was deleted');
  await expectNoViolations(page, 'deleted');
  await item.getByRole('button', { name: 'Undo' }).click();
  await expect(item).toContainText(wholeTiny);
  await item.getByRole('button', { name: 'Delete multidomain-tiny' }).click();
  await expect(item).toContainText('was deleted');
  // The worker's own clock decides, which no test can set: half a minute, and the next look at it.
  await expect(keptPanel(page)).toContainText('Nothing yet', { timeout: 90_000 });
});

test('of two tabs one writes, and the other shows how far it is', async ({ page, context }) => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await watchRanges(context, async (_, range) => {
    if (range === secondChunk) await released;
    return false;
  });
  const other = await context.newPage();
  await openModelsView(page);
  await openModelsView(other);
  await keepAddress(page, shipped);
  await expect(keptItems(other)).toContainText(`Saving ${shippedName} in another tab`);
  await expect(keptItems(other)).toContainText(/MB of 76\.\dMB|MB of 7\d/);
  await expect(keptItems(other).getByRole('button', { name: /Cancel|Delete|Verify/ })).toHaveCount(0);
  await keepAddress(other, shipped);
  await expect(keptItems(other).getByRole('alert')).toContainText(
    'Another tab of this page is working on this package',
  );
  release();
  await expectWholePackage(keptItems(other));
  await expectWholePackage(keptItems(page));
});

test('a tab that is to load what another tab saves waits for it and says so', async ({ page, context }) => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const fetched = await watchRanges(context, async (_, range) => {
    if (range === secondChunk) await released;
    return false;
  });
  await openModelsView(page);
  await keepAddress(page, shipped);
  await expect(keptItems(page)).toContainText(/13 of 14\sfiles whole/, { timeout: 120_000 });
  const other = await context.newPage();
  await other.goto(`/?model=${shipped}#/models`);
  const loading = other.getByRole('region', { name: 'Model in use' });
  await expect(loading.getByRole('status')).toContainText('is being saved already');
  await expect(loading.getByRole('button', { name: 'Cancel loading' })).toBeVisible();
  await expectNoViolations(other, 'waiting for another tab');
  release();
  await expectOpen(other, shippedName);
  await expect(other.getByText('is being saved already')).toHaveCount(0);
  // Once, by the tab that saved it; the chunk that was held back is asked for again when its connection counts as stalled.
  const ranges = fetched.filter(({ file }) => file === 'embedding.safetensors').map(({ range }) => range);
  expect(ranges.filter((range) => range !== secondChunk)).toEqual([`bytes=0-${16 * MiB - 1}`]);
});

test('cancelling stops at once, leaves what has arrived, and frees the package', async ({ page, context }) => {
  let hold = true;
  await watchRanges(context, async (_, range) => hold && range === secondChunk);
  await openModelsView(page);
  await keepAddress(page, shipped);
  const item = keptItems(page);
  await expect(item).toContainText(/13 of 14\sfiles whole/, { timeout: 120_000 });
  await expectNoViolations(page, 'saving');
  await item.getByRole('button', { name: `Cancel saving ${shippedName}` }).click();
  await expect(item).toContainText(/partial: \d+ of 14\sfiles whole/);
  hold = false;
  await item.getByRole('button', { name: `Resume ${shippedName}` }).click();
  await expectWholePackage(item);
});
