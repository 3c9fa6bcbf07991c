/** One Lighthouse run against a browser that listens on a debugging port. */
import { createServer } from 'node:net';
import lighthouse, { desktopConfig } from 'lighthouse';

export type Preset = 'mobile' | 'desktop';

/** Lowest scores, by Lighthouse's name of the category. */
export const bars: Readonly<Record<string, number>> = { performance: 95, accessibility: 100, 'best-practices': 95 };

export interface LighthouseScores {
  readonly scores: Readonly<Record<string, number>>;
  /** Audits that cost points, with what they complain about. */
  readonly findings: readonly string[];
  readonly metrics: readonly string[];
}

export async function runLighthouse(
  url: string,
  port: number,
  preset: Preset,
  categories: readonly string[] = Object.keys(bars),
): Promise<LighthouseScores> {
  const result = await lighthouse(
    url,
    { port, onlyCategories: [...categories], logLevel: 'error', output: 'json' },
    preset === 'desktop' ? desktopConfig : undefined,
  );
  if (result === undefined) throw new Error('Lighthouse gave no result.');
  const { lhr } = result;
  if (lhr.runtimeError !== undefined) throw new Error(lhr.runtimeError.message);
  const scores = Object.fromEntries(
    Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round((score ?? 0) * 100)]),
  );
  const weighty = Object.values(lhr.categories).flatMap(({ auditRefs }) =>
    auditRefs.filter(({ weight }) => weight > 0).map(({ id }) => id),
  );
  const findings = [...new Set(weighty)].flatMap((id) => {
    const audit = lhr.audits[id];
    if (audit?.score === null || audit === undefined || audit.score >= 0.9) return [];
    return [`${id} ${audit.displayValue ?? ''} ${JSON.stringify(audit.details ?? {}).slice(0, 600)}`];
  });
  const metrics = [
    'first-contentful-paint',
    'largest-contentful-paint',
    'total-blocking-time',
    'cumulative-layout-shift',
    'speed-index',
  ];
  return {
    scores,
    findings,
    metrics: metrics.flatMap((id) => {
      const audit = lhr.audits[id];
      return audit?.displayValue === undefined ? [] : [`${id} ${audit.displayValue}`];
    }),
  };
}

/** A port nobody listens on just now, for the browser's debugging. */
export async function freePort(): Promise<number> {
  return await new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
