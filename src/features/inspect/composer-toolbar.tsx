/** Where conversations come from and go to: the gallery, the history, JSON, a link or a file. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { BookIcon, BracesIcon, ClockIcon, LinkIcon } from '@/components/icons.tsx';
import { useCommands, type Command } from '@/state/commands.ts';
import { openInspectDialog, type InspectDialog } from '@/state/inspect-dialogs.ts';
import classes from './composer.module.css';

interface Tool {
  readonly kind: Exclude<InspectDialog['kind'], 'tokens'>;
  readonly label: string;
  readonly icon: ReactNode;
  /** As an order, for the command palette. */
  readonly command: string;
  readonly keywords: string;
}

const tools: readonly Tool[] = [
  { kind: 'examples', label: 'Examples', icon: <BookIcon />, command: 'Open an example', keywords: 'gallery sample' },
  { kind: 'history', label: 'History', icon: <ClockIcon />, command: 'Show the history', keywords: 'earlier past' },
  {
    kind: 'paste',
    label: 'Paste JSON',
    icon: <BracesIcon />,
    command: 'Paste or open a conversation as JSON',
    keywords: 'import messages sharegpt openai file',
  },
  {
    kind: 'share',
    label: 'Share',
    icon: <LinkIcon />,
    command: 'Share a link or export the inspection',
    keywords: 'copy save json download',
  },
];

const commands = tools.map(({ kind, command, keywords }): Command => ({
  id: `inspect.${kind}`,
  group: 'Inspect',
  label: command,
  keywords,
  run: () => openInspectDialog({ kind }),
}));

export function ComposerToolbar() {
  useCommands(commands);
  return (
    <div className={classes.toolbar}>
      {tools.map(({ kind, label, icon }) => (
        <Button
          key={kind}
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={icon}
          onClick={() => openInspectDialog({ kind })}
        >
          {label}
        </Button>
      ))}
    </div>
  );
}
