/** The views that work, in the order of the navigation. */
export const views = [
  { path: '/', name: 'Inspect' },
  { path: '/models', name: 'Models' },
] as const;
