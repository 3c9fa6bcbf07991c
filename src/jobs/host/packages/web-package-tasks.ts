/** Package tasks in a browser's worker: the origin's private file system, Web Locks, and a channel to every tab. */
import { blobFileSet } from '@/formats/blob-source.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import { opfsPackageFolders } from '@/formats/kept/package-folders.ts';
import { PACKAGE_CHANNEL, type PackageNews } from '@/jobs/api/packages.ts';
import { packageTasks, type PackageSurroundings, type PackageTaskTable } from './package-tasks.ts';

/** Progress reaches the tabs this often. */
const NEWS_MS = 100;

export function createWebPackageTasks(): PackageTaskTable {
  return packageTasks(webSurroundings());
}

export function webSurroundings(): PackageSurroundings {
  return {
    folders: opfsPackageFolders(),
    openUrl: (url, onBytes) => urlFileSet(url, { onBytes }),
    openFiles: blobFileSet,
    withLock: async (name, work) =>
      navigator.locks.request(name, { ifAvailable: true }, async (lock) => (lock === null ? undefined : await work())),
    announce: paced(new BroadcastChannel(PACKAGE_CHANNEL)),
    async freeBytes() {
      const { quota, usage } = await navigator.storage.estimate();
      return quota === undefined || usage === undefined ? undefined : Math.max(0, quota - usage);
    },
    now: () => Date.now(),
  };
}

function paced(channel: BroadcastChannel): (news: PackageNews) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (news) => {
    if (news.kind === 'progress') {
      const now = performance.now();
      if (now - last < NEWS_MS && news.doneBytes < news.totalBytes) return;
      last = now;
    }
    // A channel has no target: it reaches this origin alone.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    channel.postMessage(news);
  };
}
