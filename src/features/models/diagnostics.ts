/** What a bug report needs to know about this device, as plain text a person can read before sending it. Pure. */
import { formatBytes, formatErrorBound } from '@/components/number-format.ts';
import { providerLabel, proofSentence } from '@/components/provider-words.ts';
import type { DeviceReport, LoadedModel } from '@/engine/api/messages.ts';
import type { StorageReport } from '@/queries/model-queries.ts';

export interface DiagnosticsInput {
  readonly device: DeviceReport;
  readonly model: LoadedModel | undefined;
  readonly storage: StorageReport | null | undefined;
  readonly userAgent: string;
  readonly language: string;
  readonly screen: string;
}

/** Holds no text the person typed and no address of a model. */
export function diagnosticsText({ device, model, storage, userAgent, language, screen }: DiagnosticsInput): string {
  const { webgpu } = device;
  const lines = [
    'Armoscope diagnostics',
    `browser: ${userAgent}`,
    `language: ${language}; screen: ${screen}`,
    `cross-origin isolated: ${yesNo(device.crossOriginIsolated)}; wasm threads: ${device.threads}; JSPI: ${yesNo(device.jspi)}`,
    `storage: ${storageWords(storage)}`,
    '',
    `WebGPU: ${webgpu.available ? `${webgpu.adapter ?? 'unnamed adapter'}${webgpu.software === true ? ' (software)' : ''}` : `not available: ${webgpu.reason ?? 'no reason given'}`}`,
    ...(webgpu.features.length === 0 ? [] : [`features: ${[...webgpu.features].sort().join(', ')}`]),
    ...Object.entries(webgpu.limits).map(([name, value]) => `${name}: ${value}`),
    '',
    `provider in use: ${device.provider === undefined ? 'none' : providerLabel(device.provider)}`,
  ];
  if (model !== undefined) {
    const { manifest, worstError, files, loadedBytes, elapsedMs, proofs, findings, memory } = model;
    lines.push(
      `model: ${manifest.id} (${manifest.dtype}, ${manifest.stages.length} stages, ${formatBytes(loadedBytes)}; ${memory.mode})`,
      `files verified: ${files.filter((file) => file.verified).length} of ${files.length}; loaded in ${Math.round(elapsedMs)} ms`,
      `worst canary error: ${formatErrorBound(worstError)}`,
      ...findings
        .filter(({ severity }) => severity !== 'fine')
        .map(({ severity, subject, found }) => `  ${severity}: ${subject}: ${found}`),
      ...proofs.map((proof) => `  ${providerLabel(proof.provider)}: ${proofSentence(proof)}`),
    );
  } else lines.push('model: none loaded');
  return `${lines.join('\n')}\n`;
}

export function storageWords(storage: StorageReport | null | undefined): string {
  if (storage === undefined) return 'not known yet';
  if (storage === null) return 'the browser does not say';
  const { usageBytes, quotaBytes, persistent } = storage;
  const amount =
    usageBytes === undefined || quotaBytes === undefined
      ? 'amount not stated'
      : `${formatBytes(usageBytes)} used of ${formatBytes(quotaBytes)}`;
  return `${amount}, ${persistent ? 'kept until you delete it' : 'may be cleared by the browser when space runs out'}`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
