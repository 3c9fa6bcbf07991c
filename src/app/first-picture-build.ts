/** A build step: puts the first picture into `index.html`, and its styles into a file, as the page's policy forbids them inline. */
import { fileURLToPath } from 'node:url';
import { createServer, type Plugin } from 'vite';

const entry = '/src/app/first-picture.tsx';

/** Markup whose style attributes have become rules of a style sheet. */
export interface StyledMarkup {
  readonly html: string;
  readonly css: string;
}

/** Moves every style attribute into a rule: equal ones share it. */
export function withoutInlineStyles(html: string): StyledMarkup {
  const rules = new Map<string, number>();
  const moved = html.replaceAll(/ style="([^"]*)"/g, (_, escaped: string) => {
    const declarations = escaped.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&');
    const number = rules.get(declarations) ?? rules.size + 1;
    rules.set(declarations, number);
    return ` data-look="${number}"`;
  });
  return { html: moved, css: [...rules].map(([rule, number]) => `[data-look='${number}']{${rule}}\n`).join('') };
}

async function draw(): Promise<string> {
  const server = await createServer({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    // Not the project's: merging two configurations drops `watch: null`, and the watchers keep the build from ending.
    configFile: false,
    resolve: { alias: { '@': fileURLToPath(new URL('..', import.meta.url)) } },
    mode: 'production',
    logLevel: 'error',
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: false, watch: null, ws: false },
  });
  try {
    const module: Partial<typeof import('./first-picture.tsx')> = await server.ssrLoadModule(entry);
    if (module.drawFirstPicture === undefined) throw new Error(`${entry} draws nothing`);
    return await module.drawFirstPicture();
  } finally {
    await server.close();
  }
}

export function firstPicture(): Plugin {
  return {
    name: 'first-picture',
    apply: 'build',
    enforce: 'post',
    async generateBundle(_, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('the build has no index.html');
      const { html, css } = withoutInlineStyles(await draw());
      const styles = this.getFileName(this.emitFile({ type: 'asset', name: 'first-picture.css', source: css }));
      page.source = String(page.source)
        // What paints the picture comes first; the script takes its time after it anyway.
        .replaceAll(/<(script type="module"|link rel="modulepreload")/g, '<$1 fetchpriority="low"')
        .replace('</head>', `  <link rel="stylesheet" href="./${styles}">\n  </head>`)
        .replace('<div id="root"></div>', () => `<div id="root"><div data-first-picture inert>${html}</div></div>`);
    },
  };
}
