/** Execution providers and their proofs in words. */
import type { LoadedModel, Provider, ProviderProof } from '@/engine/api/messages.ts';
import { formatErrorBound } from './number-format.ts';

const labels: Readonly<Record<Provider, string>> = {
  webgpu: 'WebGPU',
  'webgpu-no-subgroups': 'WebGPU without subgroups',
  wasm: 'wasm (CPU)',
  native: 'native CPU',
  'native-webgpu': 'native WebGPU',
};

export function providerLabel(provider: Provider): string {
  return labels[provider];
}

const outcomes: Readonly<Record<ProviderProof['outcome'], string>> = {
  passed: 'proven',
  failed: 'wrong numbers',
  error: 'did not run',
  skipped: 'not tried',
};

/** One proof in a sentence. */
export function proofSentence(proof: ProviderProof): string {
  const figures =
    proof.worstError === undefined
      ? ''
      : `: worst canary error ${formatErrorBound(proof.worstError)}, allowed ${formatErrorBound(proof.tolerance)}`;
  const reason = proof.reason === undefined ? '' : `. ${proof.reason}`;
  return `${outcomes[proof.outcome]}${figures}${reason}`;
}

/** What to tell a person whose model does not run on WebGPU; `undefined` where it does. */
export function fallbackSentence(model: LoadedModel): string | undefined {
  if (model.provider === 'webgpu') return undefined;
  const left = model.proofs.filter((proof) => proof.provider !== model.provider && proof.outcome !== 'passed');
  if (left.length === 0) return undefined;
  const reasons = left
    .map((proof) => `${providerLabel(proof.provider)}: ${proof.reason ?? outcomes[proof.outcome]}`)
    .join(' ');
  const slower = model.provider === 'wasm' ? ' This is correct but slower than a graphics processor.' : '';
  return `Running on ${providerLabel(model.provider)}. ${reasons}${slower}`;
}
