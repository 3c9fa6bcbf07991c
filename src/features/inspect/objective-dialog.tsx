/** One objective explained: what it is, what its labels were, how well this model predicts it, what raises it, and its numbers here. */
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { ChartTable } from '@/components/chart-table.tsx';
import { Dialog } from '@/components/dialog.tsx';
import { formatPercent, formatSigned, formatSignificant } from '@/components/number-format.ts';
import { groupStyle } from '@/components/objective-language.ts';
import { GroupMarker } from '@/components/objective-marker.tsx';
import type { Manifest } from '@/formats/manifest.ts';
import type { ObjectiveFacts } from '@/formats/objective-facts.ts';
import { useObjectiveFacts } from '@/queries/report-query.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { scoredEntries } from './entries.ts';
import {
  certainEffects,
  descriptionWords,
  labelWords,
  lengthWords,
  predictionWords,
  raisedWords,
  roleWords,
  scaleWords,
} from './objective-words.ts';
import type { InspectionEntry } from './use-inspection.ts';
import classes from './objective-dialog.module.css';

interface Props {
  readonly manifest: Manifest;
  readonly index: number;
  readonly entries: readonly InspectionEntry[];
  /** The chosen package's report is about the model whose results are shown. */
  readonly ownReport: boolean;
  readonly onClose: () => void;
}

export function ObjectiveDialog({ manifest, index, entries, ownReport, onClose }: Props) {
  const choice = useModelChoice((state) => state.choice);
  const loadId = useModelChoice((state) => state.loadId);
  const known = useObjectiveFacts(choice, loadId, ownReport);
  const objective = manifest.objectives[index];
  if (objective === undefined) return undefined;
  const facts = ownReport ? known.get(objective.name) : undefined;
  const role = roleWords(manifest, index);
  return (
    <Dialog title={objective.name} onClose={onClose}>
      <div className={classes.body}>
        <p className={classes.what}>{descriptionWords(objective)}</p>
        {role === undefined ? null : <p>{role}</p>}
        <dl className={classes.facts}>
          <dt>Group</dt>
          <dd>
            <GroupMarker group={objective.group} /> {groupStyle(objective.group).label}
          </dd>
          <dt>Its labels</dt>
          <dd>{labelWords(objective)}</dd>
          <dt>Scale</dt>
          <dd>{scaleWords(objective)}</dd>
          <dt>How well this model predicts it</dt>
          <dd>{predictionWords(facts)}</dd>
          <dt>Length</dt>
          <dd>{facts === undefined ? 'Unknown: this package brings no figures for it.' : lengthWords(facts)}</dd>
        </dl>
        {facts === undefined ? (
          <p className="muted">What raises it is unknown: this package brings no figures for it.</p>
        ) : (
          <RaisedBy facts={facts} group={objective.group} />
        )}
        <HereTable manifest={manifest} index={index} entries={entries} />
        {facts === undefined || facts.agreement.length === 0 ? null : (
          <details>
            <summary>Every source of labels it was measured on</summary>
            <ChartTable
              label={`Agreement of ${objective.name} by source`}
              data={{
                columns: [
                  { label: 'Source' },
                  { label: 'Responses', format: String },
                  { label: 'Spearman ρ', format: (value) => formatSignificant(value, 3) },
                  { label: 'AUC', format: (value) => formatSignificant(value, 3) },
                ],
                rows: facts.agreement.map(({ source, n, spearman, auc }) => [source, n, spearman, auc]),
              }}
            />
          </details>
        )}
      </div>
    </Dialog>
  );
}

function RaisedBy({ facts, group }: { readonly facts: ObjectiveFacts; readonly group: string }) {
  const certain = certainEffects(facts);
  const left = facts.raisedBy.length - certain.length;
  return (
    <ChartFrame
      title="What raises it"
      fileName={`raised-by-${facts.name}`}
      summary={raisedWords(facts)}
      note={`Measured on pairs of a response and a damaged twin of it, in standard deviations of this reward, with 95 % intervals.${
        left === 0 ? '' : ` ${left} more differences, whose interval holds zero, are in the table.`
      }`}
      table={() => ({
        columns: [
          { label: 'When the response …' },
          { label: 'Effect', format: (value) => formatSigned(value, 3) },
          { label: '±', meaning: 'Half width of the 95 % interval', format: (value) => formatSignificant(value, 2) },
          { label: 'Pairs', format: String },
        ],
        rows: facts.raisedBy.map(({ words, effect, within, pairs }) => [words, effect, within, pairs]),
      })}
    >
      <BarChart
        bars={certain.map(({ words, effect, within }) => ({
          key: words,
          label: words,
          colour: groupStyle(group).colour,
          value: effect,
          interval: [effect - within, effect + within] as const,
        }))}
        format={(value) => formatSigned(value, 3)}
      />
    </ChartFrame>
  );
}

/** The objective's numbers in this inspection. */
function HereTable({ manifest, index, entries }: Pick<Props, 'manifest' | 'index' | 'entries'>) {
  const scored = scoredEntries(entries);
  const first = scored[0]?.scored;
  if (first === undefined) return undefined;
  const sum = first.gateWeights.reduce((total, weight) => total + weight, 0);
  const share = (first.gateWeights[index] ?? Number.NaN) / sum;
  const { nativeScale } = manifest.objectives[index] ?? {};
  return (
    <div>
      <h3>In this inspection</h3>
      <p className="muted small">For this prompt the gate gives it {formatPercent(share)} of its weight.</p>
      <ChartTable
        label={`${manifest.objectives[index]?.name ?? ''} in this inspection`}
        data={{
          columns: [
            { label: 'Response' },
            { label: 'Reward' },
            ...(nativeScale === undefined ? [] : [{ label: `As ${nativeScale.unit}` }]),
            { label: 'Adjusted' },
            { label: 'Coefficient' },
            { label: 'Adds to the score', format: formatSigned },
          ],
          rows: scored.map(({ letter, scored: { rewards, adjustedRewards, coefficients } }) => {
            const reward = rewards[index] ?? Number.NaN;
            const coefficient = coefficients[index] ?? Number.NaN;
            return [
              letter,
              reward,
              ...(nativeScale === undefined ? [] : [nativeScale.scale * reward + nativeScale.offset]),
              adjustedRewards[index],
              coefficient,
              coefficient * reward,
            ];
          }),
        }}
      />
    </div>
  );
}
