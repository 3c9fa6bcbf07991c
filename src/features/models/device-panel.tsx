/** What this device and browser offer, on what the model runs here, and how that was proven. */
import { Button, NativeSelect } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { formatBytes, formatCount, formatErrorBound } from '@/components/number-format.ts';
import { providerLabel } from '@/components/provider-words.ts';
import type { DeviceReport, Provider, StageMode } from '@/engine/api/messages.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { deviceQuery, keepStorage, storageQuery, type ModelState } from '@/queries/model-queries.ts';
import { chooseProvider, chooseStages, useModelChoice } from '@/state/model-choice.ts';
import { diagnosticsText, storageWords } from './diagnostics.ts';
import classes from './models-view.module.css';

/** Those a browser has. */
const stageModes: readonly StageMode[] = ['resident', 'streamed'];
const providers: readonly Provider[] = ['webgpu', 'webgpu-no-subgroups', 'wasm'];

/** Limits a large model runs into first; the rest are in the list below them. */
const byteLimits = new Set(['maxBufferSize', 'maxStorageBufferBindingSize', 'maxUniformBufferBindingSize']);

function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface Props {
  readonly loadId: number;
  readonly model: ModelState;
}

export function DevicePanel({ loadId, model }: Props) {
  const engine = useEngine();
  const provider = useModelChoice((state) => state.provider);
  const stages = useModelChoice((state) => state.stages);
  // Asked when a load has settled, so that it waits behind no download; anew after an unload.
  const settled = model.status !== 'loading';
  const device = useQuery({ ...deviceQuery(engine, loadId, model.status), enabled: settled });
  return (
    <section className={`card ${classes.card}`} aria-label="This device">
      <h2>This device</h2>
      <NativeSelect
        label="Runs on"
        description="By itself, the first that reproduces the package’s canaries. A software adapter is used only when chosen."
        value={provider ?? ''}
        onChange={(event) => chooseProvider(providers.find((entry) => entry === event.currentTarget.value))}
        data={[
          { value: '', label: 'The first that proves itself' },
          ...providers.map((entry) => ({ value: entry, label: `Only ${providerLabel(entry)}` })),
        ]}
      />
      <NativeSelect
        label="Stages"
        description="By itself, all stay loaded where they fit. One at a time takes far less memory and loads the stages anew for every score; a queue of prompts shares the loading."
        value={stages ?? ''}
        onChange={(event) => chooseStages(stageModes.find((entry) => entry === event.currentTarget.value))}
        data={[
          { value: '', label: 'All, where they fit' },
          { value: 'resident', label: 'Keep all loaded' },
          { value: 'streamed', label: 'One at a time' },
        ]}
      />
      {device.data === undefined ? (
        <p className="muted small" role="status">
          {device.error === null ? 'Shown once the model has settled.' : `Not known: ${device.error.message}`}
        </p>
      ) : (
        <Report report={device.data} model={model} />
      )}
    </section>
  );
}

function Report({ report, model }: { readonly report: DeviceReport; readonly model: ModelState }) {
  const { webgpu } = report;
  const limits = Object.entries(webgpu.limits);
  return (
    <>
      <dl className={`${classes.facts} numeric`}>
        <Row name="Provider in use">
          {report.provider === undefined ? 'none' : providerLabel(report.provider)}
          {model.status === 'ready' ? `, worst canary error ${formatErrorBound(model.model.worstError)}` : ''}
        </Row>
        <Row name="WebGPU">
          {webgpu.available
            ? `${webgpu.adapter ?? 'an adapter without a name'}${webgpu.software === true ? ' (slower than wasm)' : ''}`
            : `not available: ${(webgpu.reason ?? 'no reason given').replace(/\.$/, '')}. The wasm provider is correct but slower.`}
        </Row>
        <Row name="Threads">{report.threads}</Row>
        <Row name="Cross-origin isolated">
          {report.crossOriginIsolated ? 'yes' : 'no: the host does not send COOP and COEP, so wasm has one thread only'}
        </Row>
        <Row name="WebAssembly JSPI">
          {report.jspi ? 'yes: the smaller engine runs here' : 'no: the larger engine runs here, with the same numbers'}
        </Row>
        <StorageRow />
        {limits
          .filter(([name]) => byteLimits.has(name))
          .map(([name, value]) => (
            <Row key={name} name={name}>
              {formatBytes(value)}
            </Row>
          ))}
      </dl>
      {webgpu.features.length === 0 && limits.length === 0 ? null : (
        <details className={classes.part}>
          <summary>Features and limits of the adapter</summary>
          <p className="small">{[...webgpu.features].sort().join(', ')}</p>
          <dl className={`${classes.facts} numeric small`}>
            {limits
              .filter(([name]) => !byteLimits.has(name))
              .map(([name, value]) => (
                <Row key={name} name={name}>
                  {formatCount(value)}
                </Row>
              ))}
          </dl>
        </details>
      )}
      <CopyDiagnostics report={report} model={model} />
    </>
  );
}

function StorageRow() {
  const client = useQueryClient();
  const storage = useQuery(storageQuery());
  const [refused, setRefused] = useState(false);
  const mayAsk = storage.data !== undefined && storage.data !== null && !storage.data.persistent;
  return (
    <Row name="Storage">
      {storageWords(storage.data)}
      {mayAsk ? (
        <>
          {'. '}
          <button
            type="button"
            className={classes.inline}
            onClick={() => {
              void keepStorage(client).then((kept) => setRefused(!kept));
            }}
          >
            Ask the browser to keep it
          </button>
          <span role="status">{refused ? ' The browser declined; it decides by how often the page is used.' : ''}</span>
        </>
      ) : null}
    </Row>
  );
}

function CopyDiagnostics({ report, model }: { readonly report: DeviceReport; readonly model: ModelState }) {
  const storage = useQuery(storageQuery());
  const [outcome, setOutcome] = useState<'copied' | 'refused'>();
  const text = (): string =>
    diagnosticsText({
      device: report,
      model: model.status === 'ready' ? model.model : undefined,
      storage: storage.data,
      userAgent: navigator.userAgent,
      language: navigator.language,
      screen: `${window.screen.width} × ${window.screen.height}, ${window.devicePixelRatio} pixels to a point`,
    });
  return (
    <>
      <div className={classes.row}>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            navigator.clipboard.writeText(text()).then(
              () => setOutcome('copied'),
              () => setOutcome('refused'),
            );
          }}
        >
          Copy diagnostics
        </Button>
        <span className="muted small" role="status">
          {outcome === 'copied' ? 'Copied. Holds nothing you typed, and no address.' : ''}
          {outcome === 'refused' ? 'The browser did not let the page copy; here is the text.' : ''}
        </span>
      </div>
      {outcome === 'refused' ? (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className={classes.notice} role="region" aria-label="Diagnostics" tabIndex={0}>
          {text()}
        </pre>
      ) : null}
    </>
  );
}
