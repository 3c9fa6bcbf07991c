import { expect, test } from 'vitest';
import { countPlaywright, countVitest, judge, sum, summaryLine } from './test-report.ts';

const file = (status: string, tests: number) => ({
  status,
  assertionResults: Array.from({ length: tests }, () => ({})),
});

test('vitest: skipped tests and files that do not load are failures', () => {
  const report = { numPassedTests: 7, numTotalTests: 10, testResults: [file('passed', 7), file('failed', 3)] };
  expect(countVitest(report)).toEqual({ passed: 7, failed: 3 });
  expect(countVitest({ ...report, testResults: [...report.testResults, file('failed', 0)] })).toEqual({
    passed: 7,
    failed: 4,
  });
});

test('Playwright: skipped, flaky and global errors are failures', () => {
  const stats = { expected: 5, unexpected: 1, flaky: 2, skipped: 3 };
  expect(countPlaywright({ stats, errors: [{}] })).toEqual({ passed: 5, failed: 7 });
});

test('a report of another shape is refused', () => {
  expect(() => countVitest({})).toThrow('numPassedTests');
  expect(() => countPlaywright({ stats: {}, errors: [] })).toThrow('expected');
});

test('nothing ran is a failure; so is a bad end without a failed test', () => {
  expect(judge({ passed: 0, failed: 0 }, 0)).toEqual({ passed: 0, failed: 1 });
  expect(judge({ passed: 4, failed: 0 }, 1)).toEqual({ passed: 4, failed: 1 });
  expect(judge({ passed: 4, failed: 2 }, 1)).toEqual({ passed: 4, failed: 2 });
  expect(judge({ passed: 4, failed: 0 }, 0)).toEqual({ passed: 4, failed: 0 });
});

test('the last line', () => {
  expect(
    summaryLine(
      sum([
        { passed: 4, failed: 0 },
        { passed: 1, failed: 2 },
      ]),
    ),
  ).toBe('5 passed, 2 failed');
});
