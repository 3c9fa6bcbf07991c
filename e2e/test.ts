/**
 * The `test` of every spec: whatever else it asserts, the page must break no security policy, ask no other origin for
 * anything, and throw nothing uncaught.
 */
import { test as base, expect } from '@playwright/test';

export { expect };

interface Watch {
  readonly violations: string[];
  readonly strayRequests: string[];
  readonly errors: string[];
}

export const test = base.extend<{ watch: Watch }>({
  watch: [
    async ({ page, baseURL }, use) => {
      const watch: Watch = { violations: [], strayRequests: [], errors: [] };
      const origin = new URL(baseURL ?? '').origin;
      // Pages and workers both report violations to the console; the page's event also tells which directive.
      page.on('console', (message) => {
        if (/content security policy|refused to/i.test(message.text())) watch.violations.push(message.text());
      });
      page.on('pageerror', (error) => watch.errors.push(error.stack ?? error.message));
      await page.exposeFunction('reportViolation', (text: string) => watch.violations.push(text));
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          (window as unknown as { reportViolation(text: string): void }).reportViolation(
            `${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`,
          );
        });
      });
      // The context sees the workers' requests too.
      page.context().on('request', (request) => {
        const url = new URL(request.url());
        const local = url.origin === origin || ['blob:', 'data:'].includes(url.protocol);
        if (!local) watch.strayRequests.push(`${request.method()} ${request.url()}`);
      });
      await use(watch);
      expect(watch.violations, 'violations of the content security policy').toEqual([]);
      expect(watch.strayRequests, 'requests that leave the origin').toEqual([]);
      expect(watch.errors, 'uncaught errors').toEqual([]);
    },
    { auto: true },
  ],
});
