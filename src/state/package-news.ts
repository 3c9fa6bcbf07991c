/** News of kept packages from every tab, this one's own workers among them: what is being done right now, and by how much. */
import { create } from 'zustand';
import { PACKAGE_CHANNEL, type PackageNews, type PackageProgress } from '@/jobs/api/packages.ts';

export interface PackageActivity extends PackageProgress {
  /** Bytes a second over the last few seconds; `undefined` until that can be said. */
  readonly bytesPerSecond: number | undefined;
  readonly samples: readonly { readonly atMs: number; readonly bytes: number }[];
}

export const usePackageNews = create<{ readonly active: Readonly<Record<string, PackageActivity>> }>(() => ({
  active: {},
}));

const listeners = new Set<(news: PackageNews) => void>();
let channel: BroadcastChannel | undefined;

/** Hears every news until the returned function is called. */
export function onPackageNews(listener: (news: PackageNews) => void): () => void {
  if (channel === undefined) {
    channel = new BroadcastChannel(PACKAGE_CHANNEL);
    channel.addEventListener('message', ({ data }: MessageEvent<PackageNews>) => {
      receivePackageNews(data, performance.now());
      for (const each of listeners) each(data);
    });
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const RATE_WINDOW_MS = 4000;

/** Folds one piece of news into what is shown. */
export function receivePackageNews(news: PackageNews, atMs: number): void {
  if (news.kind === 'changed') return;
  usePackageNews.setState(({ active }) => {
    const { [news.key]: before, ...others } = active;
    if (news.kind === 'ended') return { active: others };
    const known = before !== undefined && before.phase === news.phase ? before.samples : [];
    const samples = [...known, { atMs, bytes: news.doneBytes }].filter(
      (sample) => sample.atMs >= atMs - RATE_WINDOW_MS,
    );
    const [first, last] = [samples[0], samples.at(-1)];
    const elapsed = first === undefined || last === undefined ? 0 : last.atMs - first.atMs;
    const bytesPerSecond =
      first === undefined || last === undefined || elapsed < 1000
        ? undefined
        : ((last.bytes - first.bytes) / elapsed) * 1000;
    return { active: { ...others, [news.key]: { ...news, bytesPerSecond, samples } } };
  });
}
