/** The providers of a browser, in the order they are tried. Only for bundled code; Node's wasm is in `web-node-factory.ts`. */
import type { BackendFactory } from './backend.ts';
import { WebBackend } from './web-backend.ts';
import type { WebBackendOptions } from './web-backend.ts';
import { openDevice } from './web-device.ts';
import type { SubgroupPolicy } from './web-device.ts';
import { loadWebOrt, preferredBuild, type WebBuild } from './web-ort.ts';

export interface WebFactoryOptions extends WebBackendOptions {
  /** Default: JSPI where the browser has it. */
  readonly build?: WebBuild;
  /** Of the provider `webgpu`; default `safe`. */
  readonly subgroups?: SubgroupPolicy;
}

export function webBackendFactory({ build = preferredBuild(), ...options }: WebFactoryOptions = {}): BackendFactory {
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
