/** The commands that hold in every view: where to go, the scheme, the model, the shell's own dialogs. */
import { useMantineColorScheme } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { navigate } from 'wouter/use-hash-location';
import { providerLabel } from '@/components/provider-words.ts';
import type { Provider } from '@/engine/api/messages.ts';
import { cancelModelLoad } from '@/queries/model-queries.ts';
import { useCommands, type Command } from '@/state/commands.ts';
import { submitConversation } from '@/state/inspect-store.ts';
import { chooseModel, chooseProvider, reloadModel } from '@/state/model-choice.ts';
import { openDialog, useShell } from '@/state/shell-store.ts';
import { views } from './views.ts';

const providers: readonly Provider[] = ['webgpu', 'webgpu-no-subgroups', 'wasm'];

const constant: readonly Command[] = [
  ...views.map((view): Command => ({
    id: `go.${view.path}`,
    group: 'Go to',
    label: view.name,
    description: view.purpose,
    keywords: 'view open',
    shortcut: `g ${view.key}`,
    run: () => navigate(view.path),
  })),
  {
    id: 'inspect.score',
    group: 'Inspect',
    label: 'Score the responses',
    keywords: 'run evaluate',
    run: () => {
      navigate('/');
      submitConversation();
    },
  },
  {
    id: 'model.embedded',
    group: 'Model',
    label: 'Open the embedded model',
    keywords: 'load default',
    run: () => chooseModel({ kind: 'embedded' }),
  },
  { id: 'model.reload', group: 'Model', label: 'Load the model again', keywords: 'prove', run: reloadModel },
  {
    id: 'model.provider.auto',
    group: 'Model',
    label: 'Run on the first provider that proves itself',
    keywords: 'auto gpu cpu',
    run: () => chooseProvider(undefined),
  },
  ...providers.map((provider): Command => ({
    id: `model.provider.${provider}`,
    group: 'Model',
    label: `Run on ${providerLabel(provider)} only`,
    keywords: 'provider gpu cpu',
    run: () => chooseProvider(provider),
  })),
  {
    id: 'shell.palette',
    group: 'Page',
    label: 'Find a command',
    keywords: 'palette',
    shortcut: 'mod+k',
    run: () => openDialog(useShell.getState().dialog === 'palette' ? undefined : 'palette'),
  },
  {
    id: 'shell.shortcuts',
    group: 'Page',
    label: 'Show the keyboard shortcuts',
    keywords: 'keys help',
    shortcut: '?',
    run: () => openDialog('shortcuts'),
  },
];

export function useShellCommands(): void {
  const client = useQueryClient();
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  useCommands(constant);
  useCommands(
    useMemo(
      () => [
        ...(['light', 'dark', 'auto'] as const).map((scheme): Command => ({
          id: `scheme.${scheme}`,
          group: 'Page',
          label:
            scheme === 'auto' ? 'Colours as the system has them' : `${scheme === 'dark' ? 'Dark' : 'Light'} colours`,
          keywords: 'theme colour color scheme mode',
          run: () => setColorScheme(scheme),
        })),
        {
          id: 'model.cancel',
          group: 'Model',
          label: 'Cancel loading',
          keywords: 'stop',
          run: () => cancelModelLoad(client),
        },
      ],
      [client, setColorScheme],
    ),
  );
}
