/** The input side of Inspect: the recorded first screen, links, pasted JSON, the history, export and import, what the model reads. */
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { idle, openModel, readResult, response, score, write } from './inspect-page.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual(
    [],
  );
}

const userMessage = (page: Page) => page.getByRole('textbox', { name: 'User message', exact: true });
const provenance = (page: Page) => page.getByRole('status', { name: 'Where the numbers come from' });

test('the first screen is finished before any weight has arrived, says so, and is scored live after', async ({
  page,
}) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/*.data', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('/');
  await expect(provenance(page)).toContainText('Recorded');
  await expect(provenance(page)).toContainText('scored live as soon as the model is ready');
  // The drawn markup gives way to the page as soon as the scripts are here; an element of it may not be scrolled to.
  await expect(page.locator('[data-first-picture]')).toHaveCount(0);
  // What is far below the first screen is drawn when it comes near.
  await response(page, 'A').scrollIntoViewIfNeeded();
  await expect(page.getByRole('table', { name: 'Objectives of response A' }).getByRole('rowheader')).toHaveCount(19);
  const recorded = await readResult(page, 'A');
  expect(recorded.rows).toHaveLength(19);
  await expect(page.getByRole('region', { name: 'Comparison' })).toContainText(
    'Response A scores higher than response B',
  );
  await expectNoViolations(page);
  release();
  await idle(page);
  await expect(provenance(page)).toContainText('Live');
  const live = await readResult(page, 'A');
  expect(Math.abs(live.score - recorded.score)).toBeLessThan(5e-5);
});

test('a link brings its texts and view back; a damaged one is refused and changes nothing', async ({ page }) => {
  await openModel(page, model);
  await write(page, 'Name a colour.', ['Blue, like the sea.', 'Red.']);
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Share or export' });
  const link = dialog.getByRole('textbox', { name: 'Link to this inspection' });
  const without = await link.inputValue();
  await dialog.getByRole('checkbox', { name: 'Include the texts' }).check();
  const address = await link.inputValue();
  expect(address.length).toBeGreaterThan(without.length);
  await expectNoViolations(page);

  await page.goto('about:blank');
  await page.goto(address);
  await idle(page);
  await expect(userMessage(page)).toHaveValue('Name a colour.');
  await expect(page.getByRole('textbox', { name: 'Response A text' })).toHaveValue('Blue, like the sea.');
  await readResult(page, 'B');

  await page.goto('about:blank');
  await page.goto(`${address.slice(0, -6)}AAAAAA`);
  await idle(page);
  await expect(page.getByText('This link is damaged')).toBeVisible();
  await expect(userMessage(page)).not.toHaveValue('Name a colour.');
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByText('This link is damaged')).toHaveCount(0);
});

test('an example is opened from the gallery and by its address', async ({ page }) => {
  await openModel(page, model);
  await page.getByRole('button', { name: 'Examples', exact: true }).click();
  const gallery = page.getByRole('dialog', { name: 'Examples' });
  await expect.poll(() => gallery.getByRole('link').count()).toBeGreaterThanOrEqual(12);
  await expectNoViolations(page);
  await gallery.getByRole('link', { name: /Honest critique or flattery/ }).click();
  await idle(page);
  await expect(page.getByRole('region', { name: 'What is shown' })).toContainText('Honest critique or flattery');
  await expect(userMessage(page)).toHaveValue(/first line of my novel/);
  await readResult(page, 'A');
  expect(page.url()).toContain('example=flattery');
  await page.getByRole('textbox', { name: 'Response B text' }).fill('Mine.');
  await expect.poll(() => page.url()).not.toContain('example=');
});

test('JSON is pasted, or refused in words with everything kept', async ({ page }) => {
  await openModel(page, model);
  const paste = async (text: string) => {
    await page.getByRole('textbox', { name: 'Conversation as JSON' }).fill(text);
    await page.getByRole('button', { name: 'Use it' }).click();
  };
  const before = await userMessage(page).inputValue();
  await page.getByRole('button', { name: 'Paste JSON' }).click();
  await paste('[{"role": "user", "content": "q"}, {"role": "user", "content": "r"}]');
  await expect(page.getByText('Message 2 is the user’s, but the assistant’s is due')).toBeVisible();
  await expectNoViolations(page);
  await paste(
    JSON.stringify({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'One?' },
        { role: 'assistant', content: 'Two.' },
        { role: 'user', content: 'Three?' },
      ],
      responses: ['Four.'],
    }),
  );
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(userMessage(page)).toHaveValue('Three?');
  expect(before).not.toBe('Three?');
  await expect(page.getByRole('textbox', { name: 'System message' })).toHaveValue('Be brief.');
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  await readResult(page, 'A');
  await expect(response(page, 'B')).toHaveCount(0);
});

test('the history survives a reload, reopens without scoring, and gives back what was deleted', async ({ page }) => {
  await openModel(page, model);
  const [first] = await score(page, 'Name a colour.', ['Blue.', 'Red.']);
  await page.getByRole('textbox', { name: 'Response A text' }).fill('Blue, like the sea.');
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  const second = await readResult(page, 'A');
  const change = page.getByRole('status', { name: 'Change of A by the edit' });
  expect(Number((await change.getAttribute('title'))?.split(',')[0])).toBeCloseTo(
    second.score - (first?.score ?? NaN),
    12,
  );

  await page.reload();
  await idle(page);
  await page.getByRole('button', { name: 'History', exact: true }).click();
  const list = page.getByRole('list', { name: 'Inspections' });
  await expect(list.getByRole('listitem')).toHaveCount(2);
  await expectNoViolations(page);
  await list
    .getByRole('listitem')
    .last()
    .getByRole('button', { name: /Name a colour/ })
    .click();
  await expect(provenance(page)).toContainText('Recorded');
  expect((await readResult(page, 'A')).score).toBe(first?.score);

  await page.getByRole('button', { name: 'History', exact: true }).click();
  await page.getByRole('button', { name: 'Delete all' }).click();
  await expect(list.getByRole('listitem')).toHaveCount(0);
  await page.getByRole('button', { name: /Bring back the 2/ }).click();
  await list
    .getByRole('button', { name: /^Delete the inspection/ })
    .first()
    .click();
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await idle(page);
  await page.reload();
  await idle(page);
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(list.getByRole('listitem')).toHaveCount(1);
});

test('an inspection is exported, and dropped on a page without that model it shows the same numbers', async ({
  page,
}) => {
  await openModel(page, model);
  const results = await score(page, 'Name a colour.', ['Blue.', 'Red.']);
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export as JSON' }).click();
  const text = readFileSync(await (await download).path(), 'utf8');

  await page.goto('/?model=/packages/none/');
  await idle(page);
  const drop = async (json: string) => {
    const files = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], 'mine.json', { type: 'application/json' }));
      return transfer;
    }, json);
    await page.dispatchEvent('body', 'drop', { dataTransfer: files });
    await idle(page);
  };
  await drop(text.replace(/"score": [-\d.e]+/, '"score": 9'));
  await expect(page.getByText('is not what gate weights and adjusted rewards make')).toBeVisible();
  await drop(text);
  await expect(page.getByRole('region', { name: 'What is shown' })).toContainText('From the file mine.json');
  await expect(provenance(page)).toContainText('Recorded');
  for (const [index, letter] of ['A', 'B'].entries()) expect(await readResult(page, letter)).toEqual(results[index]);
});

test('what the model reads is one click away: tokens counted as typed, gate and scored token marked', async ({
  page,
}) => {
  await openModel(page, model);
  await write(page, 'Name a colour.', ['Blue.', 'Red.']);
  const open = page.getByRole('button', { name: 'What the model reads of response A' });
  await expect(open).toHaveText(/\d+\s+tokens?/);
  const before = await open.textContent();
  await page.getByRole('textbox', { name: 'Response A text' }).fill('Blue, and a good many other words.');
  await expect(open).not.toHaveText(before ?? '');
  await open.click();
  const dialog = page.getByRole('dialog', { name: 'What the model reads of response A' });
  const tokens = dialog.getByRole('list', { name: 'Tokens' }).getByRole('listitem');
  await expect(dialog.locator('[data-mark=gate]')).toHaveCount(1);
  await expect(tokens.last()).toContainText('scored');
  await expect(dialog).toContainText('The template, as the package has it');
  await expectNoViolations(page);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});
