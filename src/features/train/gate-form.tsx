/** Every hyperparameter of a run as a field, with its default and where that comes from; the authors' way as a mode that says what follows. */
import { SegmentedControl } from '@mantine/core';
import { useId } from 'react';
import {
  authorsScriptConsequences,
  hyperparameters,
  type Hyperparameter,
  type HyperparameterKey,
} from '@/core/training-options.ts';
import {
  changeField,
  changeForm,
  presetSource,
  presetText,
  resetFields,
  type FormReading,
  type TrainingForm,
} from '@/state/training-form.ts';
import classes from './gate-form.module.css';

/** What most runs are told apart by; the rest is folded away. */
const mainKeys: ReadonlySet<HyperparameterKey> = new Set([
  'steps',
  'batchSize',
  'learningRate',
  'initialBeta',
  'temperature',
  'hidden',
  'hiddenLayers',
  'seed',
  'validationSplit',
]);

interface Props {
  readonly form: TrainingForm;
  readonly reading: FormReading;
}

export function GateForm({ form, reading }: Props) {
  const changed = Object.keys(form.texts).length;
  const field = (entry: Hyperparameter) => <Field key={entry.key} entry={entry} form={form} reading={reading} />;
  const [main, more] = [true, false].map((wanted) => hyperparameters.filter(({ key }) => mainKeys.has(key) === wanted));
  const hidden = more?.some(({ key }) => key in form.texts || key in reading.problems) === true;
  return (
    <div className={classes.form}>
      <div className={classes.head}>
        <SegmentedControl
          size="xs"
          aria-label="Settings"
          value={form.preset}
          onChange={(preset) => changeForm({ preset })}
          data={[
            { value: 'paper', label: 'As in the paper' },
            { value: 'small', label: 'Small' },
            { value: 'authors-script', label: 'As the authors’ script' },
          ]}
        />
        {changed === 0 ? null : (
          <button type="button" className={classes.reset} onClick={resetFields}>
            Reset {changed} changed
          </button>
        )}
      </div>
      <p className="muted small">
        {form.preset === 'small'
          ? 'The paper’s way in a size that a laptop trains while one watches.'
          : form.preset === 'paper'
            ? 'Eq 5 on adjusted rewards, β learned: arXiv 2406.12845, with PyTorch’s defaults where it says nothing.'
            : 'What the published script does where it leaves the paper. Trained on the processor alone.'}
      </p>
      {form.preset === 'authors-script' ? <Consequences /> : null}
      <div className={classes.fields}>{main?.map(field)}</div>
      <details className={classes.more} open={hidden || undefined}>
        <summary>Optimiser, dropout, evaluation</summary>
        <div className={classes.fields}>{more?.map(field)}</div>
      </details>
    </div>
  );
}

function Field({ entry, form, reading }: Props & { readonly entry: Hyperparameter }) {
  const { key, label, help } = entry;
  const id = useId();
  const standard = presetText(form.preset, key);
  const text = form.texts[key] ?? standard;
  const problem = reading.problems[key];
  const source = presetSource(form.preset, key);
  return (
    <div className={classes.field} data-changed={key in form.texts}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        className="numeric"
        value={text}
        placeholder={key === 'scheduleSteps' ? 'as many as steps' : undefined}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-help`}
        onChange={(event) => changeField(key, event.currentTarget.value)}
      />
      <p id={`${id}-help`} className={`${classes.help} small`}>
        {problem === undefined ? null : (
          <strong className={classes.problem}>
            {label} {problem}.{' '}
          </strong>
        )}
        {help}{' '}
        <span className="muted">
          Default {standard === '' ? 'the steps' : standard}: {source}.
        </span>
      </p>
    </div>
  );
}

function Consequences() {
  return (
    <details className={classes.more} open>
      <summary>Where the script leaves the paper, and what follows</summary>
      <ul className={`${classes.consequences} small`}>
        {authorsScriptConsequences.map(({ paper, script, consequence }) => (
          <li key={paper}>
            <strong>Paper:</strong> {paper} <strong>Script:</strong> {script} {consequence}
          </li>
        ))}
      </ul>
    </details>
  );
}
