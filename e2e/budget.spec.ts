/** What a first visit costs: everything index.html names, compressed. Charts and the model's runtime come later. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';

const scriptBudgetBytes = 220_000;
const styleBudgetBytes = 20_000;

const site = fileURLToPath(new URL('../dist/', import.meta.url));

/** Paths inside the site that a pattern finds in index.html. */
function named(pattern: RegExp): string[] {
  const html = readFileSync(`${site}index.html`, 'utf8');
  return [...html.matchAll(pattern)].map((match) => (match[1] ?? '').replace(/^\.?\//, ''));
}

function compressedBytes(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + gzipSync(readFileSync(site + path)).length, 0);
}

test('initial JavaScript and styles stay within their budgets', () => {
  const scripts = [
    ...named(/<script[^>]*\ssrc="([^"]+)"/g),
    ...named(/<link[^>]*rel="modulepreload"[^>]*href="([^"]+)"/g),
  ];
  const styles = named(/<link[^>]*rel="stylesheet"[^>]*href="([^"]+)"/g);
  expect(scripts.length).toBeGreaterThan(0);
  expect(styles.length).toBeGreaterThan(0);
  console.log(`initial JS ${compressedBytes(scripts)} bytes, CSS ${compressedBytes(styles)} bytes (gzip)`);
  expect(compressedBytes(scripts)).toBeLessThanOrEqual(scriptBudgetBytes);
  expect(compressedBytes(styles)).toBeLessThanOrEqual(styleBudgetBytes);
});

test('the site holds both builds of the runtime and nothing inline', () => {
  const assets = readdirSync(`${site}assets`);
  const wasm = assets.filter((name) => name.endsWith('.wasm'));
  expect(wasm.some((name) => name.includes('jspi'))).toBe(true);
  expect(wasm.some((name) => name.includes('asyncify'))).toBe(true);
  for (const name of wasm) expect(statSync(`${site}assets/${name}`).size, name).toBeGreaterThan(5_000_000);
  const html = readFileSync(`${site}index.html`, 'utf8');
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/);
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
});
