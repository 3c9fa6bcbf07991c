import { expect, it } from 'vitest';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import { diagnosticsText, storageWords } from './diagnostics.ts';

const place = { userAgent: 'Browser 1', language: 'en', screen: '800 × 600' };

it('says what runs where, how it was proven, and what was verified', async () => {
  const engine = createFakeEngine();
  const before = diagnosticsText({ device: await engine.device(), model: undefined, storage: undefined, ...place });
  expect(before).toContain('model: none loaded');
  expect(before).toContain('provider in use: none');
  expect(before).toContain('WebGPU: not available: This is a fake engine.');
  const model = await engine.load({ kind: 'url', url: 'https://somewhere.invalid/secret/' });
  const text = diagnosticsText({ device: await engine.device(), model, storage: null, ...place });
  expect(text).toContain(model.manifest.id);
  expect(text).toContain(`files verified: ${model.files.length} of ${model.files.length}`);
  expect(text).toContain('wasm (CPU): proven: worst canary error');
  expect(text).toContain('Browser 1');
  expect(text).not.toContain('somewhere');
  await engine.dispose();
});

it('says how much is stored and whether it stays', () => {
  expect(storageWords(null)).toBe('the browser does not say');
  expect(storageWords({ persistent: true, usageBytes: 1_500_000, quotaBytes: 2e9 })).toMatch(
    /^1\.50\sMB used of 2\.00\sGB, kept until you delete it$/,
  );
  expect(storageWords({ persistent: false })).toContain('may be cleared');
});
