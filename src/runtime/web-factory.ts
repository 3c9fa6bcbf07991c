/** The providers of a browser, in the order they are tried. Only for bundled code; Node's wasm is in `web-node-factory.ts`. */
import type { BackendFactory } from './backend.ts';
import { WebBackend } from './web-backend.ts';
import type { WebBackendOptions } from './web-backend.ts';
import { openDevice } from './web-device.ts';
import type { SubgroupPolicy } from './web-device.ts';
import { loadWebOrt, preferredBuild } from './web-ort.ts';

export interface WebFactoryOptions extends WebBackendOptions {
  /** Of the provider `webgpu`; default `safe`. */
  readonly subgroups?: SubgroupPolicy;
}

/** `options.build`: default JSPI where the browser has it. */
export function webBackendFactory({ build = preferredBuild(), ...others }: WebFactoryOptions = {}): BackendFactory {
  const options = { build, ...others };
  return {
    order: ['webgpu', 'webgpu-no-subgroups', 'wasm'],
    async create(provider) {
      if (provider === 'native' || provider === 'native-webgpu')
        return { unavailable: 'Native providers exist on the command line only.' };
      if (provider === 'wasm')
        return { backend: new WebBackend(await loadWebOrt(build), provider, undefined, options) };
      const opened = await openDevice(provider === 'webgpu' ? (options.subgroups ?? 'safe') : 'never');
      if ('unavailable' in opened) return opened;
      try {
        return { backend: new WebBackend(await loadWebOrt(build), provider, opened, options) };
      } catch (error) {
        opened.device.destroy();
        throw error;
      }
    },
  };
}
