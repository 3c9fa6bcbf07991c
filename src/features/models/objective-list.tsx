/** The objectives of the manifest: what each is, and what its labels were. */
import { GroupLegend, ObjectiveName } from '@/components/objective-marker.tsx';
import { formatSetting, formatSignificant } from '@/components/number-format.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import classes from './models-view.module.css';

type Manifest = LoadedModel['manifest'];
type Objective = Manifest['objectives'][number];

const kinds: Readonly<Record<Objective['labels']['kind'], string>> = {
  rated: 'Rated',
  proxy: 'Proxy',
  computed: 'Computed from the text',
  contrast: 'Built contrasts',
  unknown: 'Not stated',
};

function nativeScale(objective: Objective): string {
  const scale = objective.nativeScale;
  if (scale === undefined) return 'none published';
  return `${scale.unit} ${formatSetting(scale.min)} to ${formatSetting(scale.max)}`;
}

export function ObjectiveList({ manifest }: { readonly manifest: Manifest }) {
  const groups = [...new Set(manifest.objectives.map((objective) => objective.group))];
  const inactive = new Set(
    manifest.activeObjectives === undefined
      ? []
      : manifest.objectives.map((_, index) => index).filter((index) => !manifest.activeObjectives?.includes(index)),
  );
  return (
    <section className={`card ${classes.card}`} aria-label="Objectives of the model">
      <div className={classes.head}>
        <h2>{manifest.objectives.length} objectives</h2>
        <GroupLegend groups={groups} />
      </div>
      <table className={classes.objectives}>
        <thead>
          <tr>
            <th scope="col">Objective</th>
            <th scope="col">What it is</th>
            <th scope="col">Its labels</th>
            <th scope="col">Native scale</th>
            {manifest.referenceMeans === undefined ? null : <th scope="col">Reference mean</th>}
          </tr>
        </thead>
        <tbody>
          {manifest.objectives.map((objective, index) => (
            <tr key={objective.name}>
              <th scope="row">
                <ObjectiveName objective={objective} />
              </th>
              <td data-heading="What it is">
                {objective.description === '' ? <span className="muted">not described</span> : objective.description}
                {manifest.verbosityDimensions.includes(index) ? (
                  <span className="muted"> Measures length; taken out of the others.</span>
                ) : null}
                {inactive.has(index) ? <span className="muted"> Not active: the gate gives it no weight.</span> : null}
              </td>
              <td data-heading="Its labels">
                <strong>{kinds[objective.labels.kind]}</strong>
                {objective.labels.note === '' ? '' : `. ${objective.labels.note}`}
              </td>
              <td data-heading="Native scale">{nativeScale(objective)}</td>
              {manifest.referenceMeans === undefined ? null : (
                <td data-heading="Reference mean" className="numeric">
                  {formatSignificant(manifest.referenceMeans[index] ?? Number.NaN)}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
