/**
 * WebGPU devices made by ourselves, and what this browser offers.
 *
 * ONNX Runtime's subgroup attention assumes at least 8 lanes and is silently 40-60 % wrong below (runtime.md "Attention"), so
 * features are asked for by name from a list of one: `subgroups`, and that only where it is safe. Asking for everything the
 * adapter has is how it goes wrong: `subgroup-size-control` alone brings `subgroups` with it (measured, Chromium 156).
 */
import type { DeviceReport } from '@/engine/api/messages.ts';

/** Fewest lanes for which ONNX Runtime's subgroup kernels are right. */
const leastSubgroupLanes = 8;

/** Requested at the adapter's own values: the defaults (128 MiB bindings) are too small for a layer's weights. */
const requestedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxBindGroups',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** How to treat `subgroups`: only where safe; never; or always, which exists so that a test can prove the canaries catch it. */
export type SubgroupPolicy = 'safe' | 'never' | 'force';

export interface OpenDevice {
  readonly device: GPUDevice;
  /** In words, e.g. `google swiftshader (software)`. */
  readonly adapter: string;
  readonly software: boolean;
  readonly subgroups: boolean;
}

/** After a GPU process restart Chromium has no adapter for a moment. */
const adapterRetryDelaysMs = [100, 400, 1000];

const noWebGpu = 'This browser has no WebGPU. Chrome, Edge or another current browser has it.';
const noAdapter =
  'The browser has WebGPU but found no graphics adapter for it: hardware acceleration may be off, or the driver blocked.';

/** The adapter, or why there is none. */
async function findAdapter(
  retryDelaysMs: readonly number[],
): Promise<{ readonly adapter: GPUAdapter } | { readonly unavailable: string }> {
  // Absent without a secure context, and in browsers that do not have it.
  const gpu: GPU | undefined = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  if (gpu === undefined) return { unavailable: noWebGpu };
  for (let attempt = 0; ; attempt++) {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (adapter !== null) return { adapter };
    const delay = retryDelaysMs[attempt];
    if (delay === undefined) return { unavailable: noAdapter };
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

/** Vendor and architecture in words. Some browsers hide either. */
function adapterName(info: GPUAdapterInfo): string {
  const words = [info.vendor, info.architecture].filter((word) => word !== '').join(' ');
  const name = [words, info.description].find((text) => text !== '') ?? 'unnamed adapter';
  return isSoftware(info) ? `${name} (software)` : name;
}

function isSoftware(info: GPUAdapterInfo): boolean {
  // `isFallbackAdapter` is young; the names are of the software rasterisers that browsers ship or systems install.
  return (
    info.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(
      `${info.vendor} ${info.architecture} ${info.device} ${info.description}`,
    )
  );
}

/** True when ONNX Runtime's subgroup kernels are right on this adapter. An unknown lane count (0 or absent) is not. */
export function hasSafeSubgroups(adapter: Pick<GPUAdapter, 'features' | 'info'>): boolean {
  const lanes: number | undefined = adapter.info.subgroupMinSize;
  return adapter.features.has('subgroups') && lanes !== undefined && lanes >= leastSubgroupLanes;
}

/**
 * Makes a device with the adapter's limits.
 * @returns `unavailable` in words when there is no WebGPU, no adapter, or the adapter refuses a device.
 */
export async function openDevice(
  policy: SubgroupPolicy,
): Promise<OpenDevice | { readonly unavailable: string; readonly adapter?: string }> {
  const found = await findAdapter(adapterRetryDelaysMs);
  if ('unavailable' in found) return found;
  const { adapter } = found;
  const name = adapterName(adapter.info);
  const subgroups =
    policy === 'force' ? adapter.features.has('subgroups') : policy === 'safe' && hasSafeSubgroups(adapter);
  try {
    const device = await adapter.requestDevice({
      label: 'armoscope',
      requiredFeatures: subgroups ? ['subgroups'] : [],
      requiredLimits: Object.fromEntries(requestedLimits.map((limit) => [limit, adapter.limits[limit]])),
    });
    if (device.features.has('subgroups') !== subgroups) {
      device.destroy();
      return { unavailable: 'The browser made a device with other features than asked for.', adapter: name };
    }
    return { device, adapter: name, software: isSoftware(adapter.info), subgroups };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { unavailable: `The graphics adapter refused a device: ${reason}`, adapter: name };
  }
}

/** Worker threads for wasm: as many as cores, at most 8 (memory bandwidth is used up), one without shared memory. */
export function wasmThreads(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, Math.min(8, navigator.hardwareConcurrency));
}

/** True when WebAssembly can wait for promises, which the smaller build of ONNX Runtime needs. */
export function hasJspi(): boolean {
  return 'Suspending' in WebAssembly;
}

/** Browsers round what they tell down to this at most, so that nobody is known by it. */
const mostToldGibibytes = 8;

/** The machine's memory where the browser tells it (`navigator.deviceMemory`). */
export function deviceMemoryBytes(): { readonly bytes: number; readonly orMore: boolean } | undefined {
  // Chromium alone has it, and TypeScript does not know it.
  const gibibytes: unknown = typeof navigator === 'undefined' ? undefined : Reflect.get(navigator, 'deviceMemory');
  if (typeof gibibytes !== 'number' || !(gibibytes > 0)) return undefined;
  return { bytes: gibibytes * 2 ** 30, orMore: gibibytes >= mostToldGibibytes };
}

/** What this browser offers; makes no device. */
export async function describeDevice(): Promise<Omit<DeviceReport, 'provider'>> {
  const found = await findAdapter([]);
  const common = { crossOriginIsolated: globalThis.crossOriginIsolated, jspi: hasJspi(), threads: wasmThreads() };
  if ('unavailable' in found)
    return { ...common, webgpu: { available: false, reason: found.unavailable, features: [], limits: {} } };
  const { adapter } = found;
  return {
    ...common,
    webgpu: {
      available: true,
      adapter: adapterName(adapter.info),
      software: isSoftware(adapter.info),
      features: [...adapter.features].sort(),
      limits: Object.fromEntries(requestedLimits.map((limit) => [limit, adapter.limits[limit]])),
    },
  };
}
