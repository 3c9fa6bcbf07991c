// Before the first paint: the colour scheme that was chosen here, and whether the address asks for anything but the first picture.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem('mantine-color-scheme-value');
  } catch {
    // Storage is forbidden: the system's scheme it is.
  }
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset.mantineColorScheme = dark ? 'dark' : 'light';
  if (location.search !== '' || !/^#?\/?$/.test(location.hash)) root.dataset.elsewhere = '';
})();
