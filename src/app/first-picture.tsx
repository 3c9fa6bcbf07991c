/**
 * The first screen as markup, drawn at build time by `first-picture-build.ts`: a visit to Inspect shows the recorded example before a
 * line of the page's script has arrived. `main.tsx` puts the living page in its place.
 */
import { prerender } from 'react-dom/static';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { PackageJobs } from '@/jobs/api/packages.ts';
import { App } from './app.tsx';
import { createQueryClient } from './query-client.ts';

/** Nothing is loaded or scored while a picture is drawn: only effects do that, and they do not run. */
const untouched: ProxyHandler<object> = {
  get(_, name) {
    throw new Error(`the first picture asked its engine for ${String(name)}`);
  },
};

/** HTML of the whole page at the address of Inspect, with the first example's recorded results. */
export async function drawFirstPicture(): Promise<string> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const engine = new Proxy({}, untouched) as RewardEngine;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const packages = new Proxy({}, untouched) as PackageJobs;
  const client = createQueryClient();
  const { prelude } = await prerender(
    <App engine={engine} packages={packages} client={client} onMounted={() => undefined} />,
  );
  const html = await new Response(prelude).text();
  // Its timers would keep the build from ending.
  client.clear();
  return html;
}
