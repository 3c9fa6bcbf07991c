import { describe, expect, test } from 'vitest';
import { withoutInlineStyles } from './first-picture-build.ts';

describe('styles of the first picture', () => {
  test('equal style attributes share a rule, and no attribute is left', () => {
    const { html, css } = withoutInlineStyles(
      '<p style="--a:1px"><b class="x" style="--a:2px">t</b><i style="--a:1px">u</i></p>',
    );
    expect(html).toBe('<p data-look="1"><b class="x" data-look="2">t</b><i data-look="1">u</i></p>');
    expect(css).toBe("[data-look='1']{--a:1px}\n[data-look='2']{--a:2px}\n");
  });

  test('what markup escapes is read as it was meant', () => {
    const { css } = withoutInlineStyles('<p style="font-family:&quot;A &amp; B&quot;, &#x27;C&#x27;">t</p>');
    expect(css).toBe(`[data-look='1']{font-family:"A & B", 'C'}\n`);
  });
});
