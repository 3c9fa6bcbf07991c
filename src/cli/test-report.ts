/**
 * Counts what ran, from the test runners' own JSON reports. A test that was skipped proves nothing and counts as failed;
 * so do a file that could not be loaded, a suite in which nothing ran, and a runner that failed without naming a test.
 */
import * as v from 'valibot';

export interface Count {
  readonly passed: number;
  readonly failed: number;
}

const VitestReport = v.object({
  numPassedTests: v.number(),
  numTotalTests: v.number(),
  testResults: v.array(v.object({ status: v.string(), assertionResults: v.array(v.unknown()) })),
});

/** @param json report of vitest's `json` reporter. @throws where it is not one. */
export function countVitest(json: unknown): Count {
  const report = v.parse(VitestReport, json);
  const unloadedFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return { passed: report.numPassedTests, failed: report.numTotalTests - report.numPassedTests + unloadedFiles.length };
}

const PlaywrightReport = v.object({
  stats: v.object({ expected: v.number(), unexpected: v.number(), flaky: v.number(), skipped: v.number() }),
  errors: v.array(v.unknown()),
});

/** @param json report of Playwright's `json` reporter. @throws where it is not one. */
export function countPlaywright(json: unknown): Count {
  const { stats, errors } = v.parse(PlaywrightReport, json);
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky + stats.skipped + errors.length };
}

/** Holds a count against how its runner ended. */
export function judge(count: Count, exitCode: number): Count {
  if (count.passed + count.failed === 0) return { passed: 0, failed: 1 };
  if (exitCode !== 0 && count.failed === 0) return { passed: count.passed, failed: 1 };
  return count;
}

export function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
}

/** The one line that ends a run. */
export function summaryLine({ passed, failed }: Count): string {
  return `${passed} passed, ${failed} failed`;
}
