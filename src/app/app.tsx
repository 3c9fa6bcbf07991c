/** The composition root's tree: providers, shell, routes. */
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Router } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { EngineError } from '@/engine/api/errors.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { InspectRunner } from '@/features/inspect/inspect-runner.tsx';
import type { PackageJobs } from '@/jobs/api/packages.ts';
import { EngineContext } from '@/queries/engine-context.ts';
import { PackageJobsContext } from '@/queries/package-context.ts';
import { reportFolderProblem, useModelChoice } from '@/state/model-choice.ts';
import { ConnectionNotice } from './connection-notice.tsx';
import { DropTarget } from './drop-target.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { Header } from './header.tsx';
import { useKeyboard } from './keyboard.ts';
import { useShellCommands } from './shell-commands.ts';
import { ShellDialogs } from './shell-dialogs.tsx';
import { LinkOpener } from './link-opener.tsx';
import { theme } from './theme.ts';
import { viewAt, viewPath } from './views.ts';
import classes from './shell.module.css';

interface Props {
  readonly engine: RewardEngine;
  readonly packages: PackageJobs;
  readonly client: QueryClient;
  /** Called once, when the first paint is done. */
  readonly onMounted: () => void;
}

export function App({ engine, packages, client, onMounted }: Props) {
  useEffect(onMounted, [onMounted]);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={client}>
        <EngineContext value={engine}>
          <PackageJobsContext value={packages}>
            {/* wouter takes the hook itself, so that the address lives in the fragment. */}
            {/* oxlint-disable-next-line react/hooks */}
            <Router hook={useHashLocation}>
              <Shell />
            </Router>
          </PackageJobsContext>
        </EngineContext>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Shell() {
  const [address] = useHashLocation();
  useShellCommands();
  useKeyboard();
  const path = viewPath(address);
  const view = viewAt(path);
  const title = view === undefined ? 'Not found' : view.name;
  useEffect(() => {
    document.title = `${title} · Armoscope`;
  }, [title]);
  return (
    <>
      <a
        className={classes.skip}
        href="#main"
        onClick={(event) => {
          // The fragment holds the view, so the jump is made by hand.
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header path={path} />
      <ConnectionNotice />
      <p className="visually-hidden" role="status">{`${title} view`}</p>
      <main id="main" className={classes.main} tabIndex={-1}>
        <LinkOpener />
        <FolderProblem />
        <ErrorBoundary resetKey={path}>
          {view === undefined ? <NoSuchView path={path} /> : <view.Component key={view.path} />}
        </ErrorBoundary>
      </main>
      <InspectRunner />
      <DropTarget />
      <ShellDialogs />
    </>
  );
}

function FolderProblem() {
  const problem = useModelChoice((state) => state.folderProblem);
  if (problem === undefined) return undefined;
  return (
    <div className={classes.problem}>
      <ErrorNotice error={new EngineError({ code: 'bad-package', message: problem })}>
        <div>
          <button type="button" className={classes.dismiss} onClick={() => reportFolderProblem(undefined)}>
            Dismiss
          </button>
        </div>
      </ErrorNotice>
    </div>
  );
}

function NoSuchView({ path }: { readonly path: string }) {
  return (
    <>
      <h1>There is no view at {path}</h1>
      <p>
        Perhaps the link is from a later version. <a href="#/">Open Inspect</a>
      </p>
    </>
  );
}
