/**
 * The headers the site is served with. A `<meta>` policy does not cover workers, so these must be real headers.
 */
export function securityHeaders(mode: 'production' | 'development'): Record<string, string> {
  const policy = {
    'default-src': ["'self'"],
    // wasm-unsafe-eval: WebAssembly compilation of ONNX Runtime.
    'script-src':
      mode === 'production' ? ["'self'", "'wasm-unsafe-eval'"] : ["'self'", "'wasm-unsafe-eval'", "'unsafe-inline'"],
    'style-src': mode === 'production' ? ["'self'"] : ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'font-src': ["'self'"],
    'worker-src': ["'self'", 'blob:'],
    // A model may be opened from any https address the person types, and from this machine.
    'connect-src': [
      "'self'",
      'blob:',
      'https:',
      'http://localhost:*',
      'http://127.0.0.1:*',
      ...(mode === 'development' ? ['ws:'] : []),
    ],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  };
  return {
    'Content-Security-Policy': Object.entries(policy)
      .map(([name, values]) => `${name} ${values.join(' ')}`)
      .join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}
