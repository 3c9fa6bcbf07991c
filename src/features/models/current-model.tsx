/** The chosen model: loading, failed, or loaded with its origin, licence, shape and proofs. */
import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorNotice } from '@/components/error-notice.tsx';
import { LoadProgressView } from '@/components/load-progress-view.tsx';
import { Notice } from '@/components/notice.tsx';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatErrorBound,
  formatQuantity,
  formatSetting,
} from '@/components/number-format.ts';
import { ProofList } from '@/components/proof-list.tsx';
import { fallbackSentence } from '@/components/provider-words.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { cancelModelLoad, unloadModel, type ModelState } from '@/queries/model-queries.ts';
import { useActivity } from '@/state/activity.ts';
import { loadFigures } from '@/state/load-progress.ts';
import { choiceName, reloadModel, useModelChoice } from '@/state/model-choice.ts';
import { trackWork } from '@/state/pending-work.ts';
import { FileTable } from './file-table.tsx';
import { KeepModel } from './keep-model.tsx';
import { LicenceTexts } from './licence-texts.tsx';
import { ManifestPanel } from './manifest-panel.tsx';
import classes from './models-view.module.css';

export function CurrentModel({ model }: { readonly model: ModelState }) {
  const client = useQueryClient();
  const choice = useModelChoice((state) => state.choice);
  const load = useActivity((state) => state.load);
  const name = choiceName(choice);
  return (
    <section className={`card ${classes.card}`} aria-label="Model in use">
      {model.status === 'loading' ? (
        <>
          <h2>Loading</h2>
          <LoadProgressView
            name={name}
            progress={loadFigures(load)}
            onCancel={() => cancelModelLoad(client)}
            withFiles
          />
        </>
      ) : null}
      {model.status === 'failed' ? (
        <>
          <h2>{name}</h2>
          <ErrorNotice error={model.error} onReload={reloadModel} />
        </>
      ) : null}
      {model.status === 'cancelled' ? (
        <>
          <h2>No model is loaded</h2>
          <p className="muted">
            {model.unloaded
              ? `${name} was unloaded and its memory given back. Texts stay; scores need a model.`
              : `Loading ${name} was cancelled.`}
          </p>
          <div>
            <Button size="compact-sm" onClick={reloadModel}>
              Load it
            </Button>
          </div>
        </>
      ) : null}
      {model.status === 'ready' ? <Loaded model={model.model} loadId={model.loadId} /> : null}
    </section>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const gateRuleWords = {
  'last-pattern': 'the last end of a user turn in front of an answer',
  'prompt-last-token': 'the last token of the prompt with the answer’s header',
} as const;

function Loaded({ model, loadId }: { readonly model: LoadedModel; readonly loadId: number }) {
  const engine = useEngine();
  const client = useQueryClient();
  const choice = useModelChoice((state) => state.choice);
  const { manifest } = model;
  const { architecture, gate, source } = manifest;
  const fallback = fallbackSentence(model);
  return (
    <>
      <div className={classes.head}>
        <h2>{manifest.name}</h2>
        <div className={classes.row}>
          <KeepModel choice={choice} modelId={manifest.id} />
          <Button size="compact-sm" variant="default" onClick={reloadModel}>
            Load again
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              void trackWork(unloadModel(engine, client));
            }}
          >
            Unload
          </Button>
        </div>
      </div>
      {manifest.description === undefined ? null : <p>{manifest.description}</p>}
      {fallback === undefined ? null : (
        <Notice tone="plain" title="Not on WebGPU">
          <p>{fallback}</p>
        </Notice>
      )}
      {model.memory.mode === 'resident' ? null : (
        <Notice tone="plain" title="Stage by stage">
          <p>
            {model.memory.reason} Scores are the same as with all stages loaded, but every score loads them all: the
            answers to one prompt, and the prompts of a queue, share that.
          </p>
        </Notice>
      )}
      <dl className={`${classes.facts} numeric`}>
        <Row name="Identity">
          <code>{manifest.id}</code>
        </Row>
        <Row name="Source">
          {source.url !== undefined && /^https?:/.test(source.url) ? (
            <a href={source.url} rel="noreferrer noopener" target="_blank">
              {source.name}
            </a>
          ) : (
            source.name
          )}
          {source.revision === undefined ? '' : `, revision ${source.revision}`}
        </Row>
        <Row name="Licence">{manifest.licence}</Row>
        <Row name="Backbone">
          {architecture.family}, {formatQuantity(architecture.layers, 'layer')} of{' '}
          {formatCount(architecture.hiddenSize)}, {formatQuantity(architecture.attentionHeads, 'head')} (
          {architecture.keyValueHeads} key-value), vocabulary {formatCount(architecture.vocabSize)}, up to{' '}
          {formatCount(architecture.maxPositions)} tokens
        </Row>
        <Row name="Weights">
          {manifest.dtype}, {formatBytes(model.loadedBytes)} in {manifest.stages.length}{' '}
          {manifest.stages.length === 1 ? 'stage' : 'stages'}
          {manifest.quantisation === undefined
            ? ''
            : `; ${manifest.quantisation.form}, blocks of ${manifest.quantisation.blockSize}, worst relative error of a tensor ${formatSetting(manifest.quantisation.worstRelativeError)}`}
        </Row>
        <Row name="Memory">
          {model.memory.mode === 'streamed'
            ? `one stage at a time, about ${formatBytes(model.memory.streamedBytes)} instead of ${formatBytes(model.memory.residentBytes)}. `
            : 'all stages stay loaded. '}
          {model.memory.reason}
        </Row>
        <Row name="Gate">
          {gate.hidden.length} hidden {gate.hidden.length === 1 ? 'layer' : 'layers'} ({gate.hidden.join(', ')}),
          temperature {formatSetting(gate.temperature)}, logit_scale {formatSetting(gate.logitScale)}; read at{' '}
          {gateRuleWords[gate.rule.kind]}
        </Row>
        <Row name="Bradley-Terry β">
          {manifest.bradleyTerryBeta === undefined
            ? 'not published; probabilities use 1'
            : formatSetting(manifest.bradleyTerryBeta)}
        </Row>
        <Row name="Loaded in">
          {formatDuration(model.elapsedMs)}, worst canary error {formatErrorBound(model.worstError)}
        </Row>
      </dl>
      <h3>Proofs</h3>
      <ProofList proofs={model.proofs} />
      <div className={classes.parts}>
        <FileTable files={model.files} />
        <ManifestPanel manifest={manifest} />
        {manifest.notice === undefined ? null : (
          <details className={classes.part}>
            <summary>What the source asks to be said</summary>
            <p className={classes.noticeText}>{manifest.notice}</p>
          </details>
        )}
        <LicenceTexts choice={choice} loadId={loadId} />
      </div>
    </>
  );
}
