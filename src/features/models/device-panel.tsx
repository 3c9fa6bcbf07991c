/** What this device and browser offer. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { formatBytes, formatCount } from '@/components/number-format.ts';
import { providerLabel } from '@/components/provider-words.ts';
import type { DeviceReport } from '@/engine/api/messages.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { deviceQuery } from '@/queries/model-queries.ts';
import classes from './models-view.module.css';

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

export function DevicePanel({ loadId, settled }: { readonly loadId: number; readonly settled: boolean }) {
  const engine = useEngine();
  // Asked when a load has settled, so that it waits behind no download.
  const device = useQuery({ ...deviceQuery(engine, loadId), enabled: settled });
  return (
    <section className={`card ${classes.card}`} aria-label="This device">
      <h2>This device</h2>
      {device.data === undefined ? (
        <p className="muted small">
          {device.error === null ? 'Shown once the model has settled.' : `Not known: ${device.error.message}`}
        </p>
      ) : (
        <Report report={device.data} />
      )}
    </section>
  );
}

function Report({ report }: { readonly report: DeviceReport }) {
  const [copied, setCopied] = useState(false);
  const { webgpu } = report;
  const limits = Object.entries(webgpu.limits);
  return (
    <>
      <dl className={`${classes.facts} numeric`}>
        <Row name="Provider in use">{report.provider === undefined ? 'none' : providerLabel(report.provider)}</Row>
        <Row name="WebGPU">
          {webgpu.available
            ? `${webgpu.adapter ?? 'an adapter without a name'}${webgpu.software === true ? ' (software: slow)' : ''}`
            : `not available: ${(webgpu.reason ?? 'no reason given').replace(/\.$/, '')}. The wasm provider is correct but slower.`}
        </Row>
        <Row name="Threads">
          {report.threads}
          {report.crossOriginIsolated ? '' : '; the page is not cross-origin isolated, so wasm has one thread only'}
        </Row>
        <Row name="WebAssembly JSPI">
          {report.jspi ? 'yes: weights are read by range' : 'no: each weight file is read whole'}
        </Row>
        {limits
          .filter(([name]) => byteLimits.has(name))
          .map(([name, value]) => (
            <Row key={name} name={name}>
              {formatBytes(value)}
            </Row>
          ))}
      </dl>
      {webgpu.features.length === 0 && limits.length === 0 ? null : (
        <details>
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
      <div className={classes.row}>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            const text = JSON.stringify({ ...report, userAgent: navigator.userAgent }, undefined, 2);
            void navigator.clipboard.writeText(text).then(() => setCopied(true));
          }}
        >
          Copy diagnostics
        </Button>
        <span className="muted small" role="status">
          {copied ? 'Copied.' : ''}
        </span>
      </div>
    </>
  );
}
