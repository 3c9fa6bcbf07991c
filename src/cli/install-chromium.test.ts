/** Every way to a Chromium, on machines that are described and not touched. */
import { afterEach, expect, test, vi } from 'vitest';
import { ensureChromium, type Machine } from './install-chromium.ts';

interface Scene extends Machine {
  readonly commands: string[];
}

/** @param working which command makes which path appear; a path that is there from the start stands under ''. */
function machine(working: Record<string, string>, options: Partial<Machine> = {}): Scene {
  const there = new Set(working[''] === undefined ? [] : [working['']]);
  const commands: string[] = [];
  return {
    commands,
    candidates: () => [...there],
    starts: (path) => !path.includes('broken'),
    isRoot: true,
    hasApt: true,
    run: (command, args) => {
      const name = [command.endsWith('node') ? 'playwright' : command, ...args.filter((a) => !a.includes('/'))].join(
        ' ',
      );
      commands.push(name);
      const path = Object.entries(working).find(([key]) => key !== '' && name.startsWith(key))?.[1];
      if (path !== undefined) there.add(path);
      return path !== undefined || name === 'apt-get update';
    },
    ...options,
  };
}

vi.spyOn(console, 'log').mockImplementation(() => undefined);
afterEach(() => vi.unstubAllEnvs());

test('uses what is there and installs nothing', () => {
  const scene = machine({ '': '/usr/bin/chromium' });
  expect(ensureChromium(scene)).toBe('/usr/bin/chromium');
  expect(scene.commands).toEqual([]);
});

test("as root with apt: the distribution's package", () => {
  const scene = machine({ 'apt-get install': '/usr/bin/chromium' });
  expect(ensureChromium(scene)).toBe('/usr/bin/chromium');
  expect(scene.commands).toEqual(['apt-get update', 'apt-get install -y chromium']);
});

test("where the package is a stub: Playwright's own with its libraries", () => {
  const scene = machine({ 'apt-get install': '/usr/bin/broken', 'playwright install': '/root/pw/chrome' });
  expect(ensureChromium(scene)).toBe('/root/pw/chrome');
  expect(scene.commands.at(-1)).toBe('playwright install --with-deps chromium');
});

test("not root: Playwright's own, apt untouched", () => {
  const scene = machine({ 'playwright install': '/home/me/pw/chrome' }, { isRoot: false });
  expect(ensureChromium(scene)).toBe('/home/me/pw/chrome');
  expect(scene.commands).toEqual(['playwright install chromium']);
});

test('where nothing works it says what to do', () => {
  expect(() => ensureChromium(machine({}))).toThrow(/apt-get install chromium[\s\S]*CHROMIUM_PATH=/);
});

test('a CHROMIUM_PATH that does not start is named, nothing is installed', () => {
  vi.stubEnv('CHROMIUM_PATH', '/opt/broken');
  const scene = machine({ '': '/opt/broken' });
  expect(() => ensureChromium(scene)).toThrow('CHROMIUM_PATH is /opt/broken');
  expect(scene.commands).toEqual([]);
});
