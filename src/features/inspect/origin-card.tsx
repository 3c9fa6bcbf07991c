/** Above the results: what is on the page (an example and the point it makes, a file, a link), and where its numbers come from. */
import { ActionIcon } from '@mantine/core';
import { LeftIcon, RightIcon } from '@/components/icons.tsx';
import { marginNoise } from '@/formats/score-noise.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { claimHolds, claimSentence, type Claim, type ClaimFacts } from '@/samples/claims.ts';
import { exampleAddress, exampleKey, knownExample, loadExamples } from '@/state/examples.ts';
import { restoreReplaced, useInspect, type Origin } from '@/state/inspect-store.ts';
import { recordingAt } from '@/state/recordings.ts';
import { provenanceOf, type Provenance } from './provenance.ts';
import type { Inspection } from './use-inspection.ts';
import classes from './origin-card.module.css';

interface Props {
  readonly inspection: Inspection;
  readonly model: ModelState;
}

export function OriginCard({ inspection, model }: Props) {
  const origin = useInspect((state) => state.origin);
  const pristine = useInspect((state) => state.pristine);
  const replaced = useInspect((state) => state.replaced);
  const provenance = provenanceOf(
    inspection.recording,
    // What was recorded is what the model's own head gave, whatever head is in force.
    inspection.entries.map((entry) => ({ ...entry, scored: entry.own })),
    model.status === 'ready' ? { status: 'ready', id: model.model.manifest.id } : { status: model.status },
    inspection.running,
  );
  const example = origin?.kind === 'example' ? knownExample(origin.name) : undefined;
  const title = example === undefined ? originWords(origin) : example.title;
  if (title === undefined && provenance === undefined && replaced === undefined) return undefined;
  return (
    <section className={`card ${classes.card}`} aria-label="What is shown">
      <div className={classes.head}>
        <h2 className={classes.title}>
          {example === undefined ? null : <span className={classes.group}>{example.group}</span>}
          <span>
            {title}
            {title !== undefined && !pristine ? <span className="muted"> (edited)</span> : null}
          </span>
        </h2>
        {example === undefined ? null : <Steps name={example.name} />}
      </div>
      {example === undefined ? null : (
        <>
          <p className={classes.about}>{example.about}</p>
          <Claims claims={example.claims} inspection={inspection} />
        </>
      )}
      {replaced === undefined ? null : (
        <p className="small">
          This replaced the texts you had edited.{' '}
          <button type="button" className={classes.undo} onClick={restoreReplaced}>
            Undo
          </button>
        </p>
      )}
      {provenance === undefined ? null : <ProvenanceLine provenance={provenance} />}
    </section>
  );
}

function originWords(origin: Origin | undefined): string | undefined {
  if (origin?.kind === 'file') return `From the file ${origin.name}`;
  if (origin?.kind === 'history') return 'From the history';
  if (origin?.kind === 'link') return 'From a link';
  return origin?.kind === 'paste' ? 'Pasted' : undefined;
}

function ProvenanceLine({ provenance }: { readonly provenance: Provenance }) {
  const live = provenance.badge === 'Live';
  return (
    <p className={`${classes.provenance} small`} role="status" aria-label="Where the numbers come from">
      <span className={`${classes.badge} ${live ? (classes.live ?? '') : ''}`}>{provenance.badge}</span>
      <span className="muted">{provenance.sentence}</span>
    </p>
  );
}

/** The sentences of the caption, each marked by the numbers on the page: another model may make one of them untrue. */
function Claims({ claims, inspection }: { readonly claims: readonly Claim[]; readonly inspection: Inspection }) {
  const facts = factsOf(inspection);
  const titleOf = (name: string) => knownExample(name)?.title ?? name;
  return (
    <ul className={classes.claims}>
      {claims.map((claim) => {
        const sentence = claimSentence(claim, titleOf);
        const holds = facts === undefined ? undefined : claimHolds(claim, facts);
        return (
          <li key={sentence} data-holds={holds}>
            <span className={classes.mark} aria-hidden="true">
              {holds === true ? '✓' : holds === false ? '✗' : '·'}
            </span>
            <span>
              {sentence}
              {holds === false ? <strong className={classes.untrue}> Not so for these numbers.</strong> : null}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** `undefined` while nothing is shown, and once the texts are no longer the example's. */
function factsOf({ manifest, entries }: Inspection): ClaimFacts | undefined {
  const responses = entries.flatMap(({ scored, stale }) => (scored === undefined || stale ? [] : [scored]));
  if (manifest === undefined || responses.length < entries.length) return undefined;
  return {
    objectives: manifest.objectives,
    tooClose: marginNoise(manifest)?.tooClose,
    responses,
    gateOf: (name) => {
      const other = recordingAt(exampleKey(name));
      if (other === undefined || other.manifest.id !== manifest.id) return undefined;
      return [...other.scored.values()][0]?.gateWeights;
    },
  };
}

/** To the example before and the one after. */
function Steps({ name }: { readonly name: string }) {
  const step = async (by: 1 | -1) => {
    const examples = await loadExamples();
    const at = examples.findIndex((example) => example.name === name);
    const next = examples[(at + by + examples.length) % examples.length];
    if (next !== undefined) window.location.hash = exampleAddress(next.name);
  };
  return (
    <div className={classes.steps}>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label="Previous example"
        title="Previous example"
        onClick={() => void step(-1)}
      >
        <LeftIcon />
      </ActionIcon>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label="Next example"
        title="Next example"
        onClick={() => void step(1)}
      >
        <RightIcon />
      </ActionIcon>
    </div>
  );
}
