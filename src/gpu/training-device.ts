/** A WebGPU device for training: the adapter's own limits, its name in words, and its loss as a typed error. */

/** The graphics device went away: a driver reset, a crash, too little memory. */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
}

/** Too little memory on the device for what was asked. */
export class DeviceMemoryError extends Error {
  override readonly name = 'DeviceMemoryError';
}

export interface TrainingDevice {
  readonly device: GPUDevice;
  /** In words, e.g. `google swiftshader (software)`. */
  readonly adapter: string;
  /** A processor that plays a graphics card: right, and many times slower than wasm. */
  readonly software: boolean;
}

const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** @returns `unavailable` in words where there is no WebGPU, no adapter, or the adapter refuses a device. */
export async function openTrainingDevice(): Promise<TrainingDevice | { readonly unavailable: string }> {
  const gpu: GPU | undefined = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  if (gpu === undefined) return { unavailable: 'This browser has no WebGPU.' };
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return { unavailable: 'The browser found no graphics adapter for WebGPU.' };
  const { vendor, architecture, device: model, description, isFallbackAdapter } = adapter.info;
  const software =
    isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(
      `${vendor} ${architecture} ${model} ${description}`,
    );
  const words = [vendor, architecture].filter((word) => word !== '').join(' ');
  const name = [words, description].find((text) => text !== '') ?? 'unnamed adapter';
  try {
    const device = await adapter.requestDevice({
      label: 'armoscope training',
      requiredLimits: Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]])),
    });
    return { device, adapter: software ? `${name} (software)` : name, software };
  } catch (error) {
    return {
      unavailable: `The graphics adapter refused a device: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
