/** The page's header: mark, views, the model in use, the colour scheme. */
import { ActionIcon, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { Link } from 'wouter';
import { MoonIcon, ScreenIcon, SearchIcon, SunIcon, Wordmark } from '@/components/icons.tsx';
import { openDialog } from '@/state/shell-store.ts';
import { headerTools } from './header-tools.ts';
import { onMac } from './keyboard.ts';
import { ModelBadge } from './model-badge.tsx';
import { views } from './views.ts';
import classes from './shell.module.css';

const schemes = {
  auto: { name: 'system', icon: <ScreenIcon />, next: 'light' },
  light: { name: 'light', icon: <SunIcon />, next: 'dark' },
  dark: { name: 'dark', icon: <MoonIcon />, next: 'auto' },
} as const;

function SchemeToggle() {
  // Otherwise a style element would be injected to hold transitions still, which the policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const scheme = schemes[colorScheme];
  const label = `Colour scheme: ${scheme.name}. Change to ${schemes[scheme.next].name}`;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(scheme.next)}
    >
      {scheme.icon}
    </ActionIcon>
  );
}

function PaletteButton() {
  const keys = onMac ? '⌘K' : 'Ctrl K';
  return (
    <UnstyledButton
      className={classes.palette}
      aria-label={`Find a command (${keys}; ? lists the shortcuts)`}
      title={`Find a command (${keys}; ? lists the shortcuts)`}
      onClick={() => openDialog('palette')}
    >
      <SearchIcon />
      <kbd aria-hidden="true">{keys}</kbd>
    </UnstyledButton>
  );
}

export function Header({ path }: { readonly path: string }) {
  return (
    <header className={classes.header}>
      <Link href="/" className={classes.brand}>
        <Wordmark />
        <span>Armoscope</span>
      </Link>
      <nav aria-label="Views" className={classes.nav}>
        {views.map((view) => (
          <Link key={view.path} href={view.path} aria-current={view.path === path ? 'page' : undefined}>
            {view.name}
          </Link>
        ))}
      </nav>
      <div className={classes.side}>
        {headerTools.map((Tool, index) => (
          <Tool key={index} />
        ))}
        <ModelBadge />
        <PaletteButton />
        <SchemeToggle />
      </div>
    </header>
  );
}
