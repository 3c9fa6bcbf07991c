/**
 * `npm run bench:steer-page`: how long a slider takes to reach the numbers, in Chromium on the built site with 10,000 responses loaded.
 *
 * `input → numbers`: from the slider's input event until the scores of the pair and
 * the flips of the set on the page are those of the move (script time of the frame; painting is not ours). `radar`: until the radar's
 * shape has followed.
 */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { onBuiltPage } from './bench-page.ts';
import { idle } from './inspect-page.ts';
import { packageHead, scoredPairLines } from './scored-lines.ts';

const RESPONSES = 10_000;
const MOVES = 60;

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const embedded = folder('../public/models/embedded/');

function percentiles(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, worst ${at(1)} ms`;
}

/** Moves a slider and measures until what is shown is of that move. */
async function benchPage(page: Page): Promise<void> {
  const times = await page.evaluate(async (moves) => {
    const named = (role: string, name: string) => {
      const found = document.querySelector<HTMLElement>(`[role=${role}][aria-label="${name}"]`);
      if (found === null) throw new Error(`${name} is not on the page`);
      return found;
    };
    const slider = document.querySelector<HTMLInputElement>(
      'input[type=range][aria-label="helpsteer-coherence, gate weight"]',
    );
    if (slider === null) throw new Error('the slider is not on the page');
    const radar = () =>
      [...document.querySelectorAll('path.recharts-polygon')].map((path) => path.getAttribute('d')).join();
    const flips = named('status', 'Flips in the set');
    const score = named('status', 'Steered score of response A');
    const results: { numbers: number[]; radar: number[] } = { numbers: [], radar: [] };
    for (let move = 0; move < moves; move += 1) {
      // Input events come at the beginning of a frame.
      await new Promise((done) => requestAnimationFrame(done));
      const shape = radar();
      const [scoreBefore, flipsBefore] = [score.title, flips.textContent];
      const startedAt = performance.now();
      let numbersAt = Number.NaN;
      const seen = new Promise<number>((resolve) => {
        const look = () => {
          if (Number.isNaN(numbersAt) && score.title !== scoreBefore && flips.textContent !== flipsBefore)
            numbersAt = performance.now() - startedAt;
          if (!Number.isNaN(numbersAt) && radar() !== shape) {
            observer.disconnect();
            resolve(performance.now() - startedAt);
          }
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
      });
      slider.valueAsNumber = 0.02 + 0.9 * ((move * 0.37) % 1);
      slider.dispatchEvent(new Event('input', { bubbles: true }));
      results.radar.push(await seen);
      results.numbers.push(numbersAt);
    }
    return results;
  }, MOVES);
  console.log(`input → numbers, ${RESPONSES} responses loaded: ${percentiles(times.numbers)}`);
  console.log(`input → radar: ${percentiles(times.radar)}`);
}

const file = [...scoredPairLines(await packageHead(embedded), RESPONSES / 2)].join('');
await onBuiltPage('steer', async (page) => {
  await page
    .getByLabel('File of scored responses')
    .setInputFiles({ name: 'bench.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(file) });
  await page.getByRole('status', { name: 'Flips in the set' }).waitFor();
  await idle(page);
  await benchPage(page);
});
