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
  readGateFields,
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

/** The two settings of the gate itself. */
const gateFields = [
  {
    key: 'active',
    label: 'Objectives it weighs',
    placeholder: 'as the heads say',
    help: 'Indices from 0 on and ranges, like “0-8, 10”, or “all”. The others keep weight 0.',
    source: 'Default all, or the mask that the heads bring; objectives that no probe was fitted for are left out.',
  },
  {
    key: 'logitScale',
    label: 'Sum of the weights',
    placeholder: 'as the first weights',
    help: 'logit_scale: what the softmax is multiplied by. It is not trained here.',
    source: 'Default 1, or the first weights’ own: the published script begins with 1.',
  },
] as const;

export function GateForm({ form, reading, objectives }: Props & { readonly objectives: number | undefined }) {
  const gate = readGateFields(form, objectives);
  const changed = Object.keys(form.texts).length + gateFields.filter(({ key }) => form[key] !== '').length;
  const field = (entry: Hyperparameter) => <Field key={entry.key} entry={entry} form={form} reading={reading} />;
  const [main, more] = [true, false].map((wanted) => hyperparameters.filter(({ key }) => mainKeys.has(key) === wanted));
  const hidden =
    more?.some(({ key }) => key in form.texts || key in reading.problems) === true ||
    gateFields.some(({ key }) => form[key] !== '');
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
        <summary>Optimiser, dropout, mask, evaluation</summary>
        <div className={classes.fields}>
          {more?.map(field)}
          {gateFields.map(({ key, label, placeholder, help, source }) => (
            <TextField
              key={key}
              label={label}
              text={form[key]}
              changed={form[key] !== ''}
              placeholder={placeholder}
              inputMode={key === 'active' ? 'text' : 'decimal'}
              problem={gate.problems[key]}
              help={help}
              source={source}
              onChange={(text) => changeForm({ [key]: text })}
            />
          ))}
        </div>
      </details>
    </div>
  );
}

function Field({ entry, form, reading }: Props & { readonly entry: Hyperparameter }) {
  const { key, label, help } = entry;
  const standard = presetText(form.preset, key);
  return (
    <TextField
      label={label}
      text={form.texts[key] ?? standard}
      changed={key in form.texts}
      placeholder={key === 'scheduleSteps' ? 'as many as steps' : undefined}
      inputMode="decimal"
      problem={reading.problems[key]}
      help={help}
      source={`Default ${standard === '' ? 'the steps' : standard}: ${presetSource(form.preset, key)}.`}
      onChange={(text) => changeField(key, text)}
    />
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly text: string;
  readonly changed: boolean;
  readonly placeholder: string | undefined;
  readonly inputMode: 'decimal' | 'text';
  /** In words that follow the label. */
  readonly problem: string | undefined;
  readonly help: string;
  /** The default and where it comes from. */
  readonly source: string;
  readonly onChange: (text: string) => void;
}

function TextField({ label, text, changed, placeholder, inputMode, problem, help, source, onChange }: TextFieldProps) {
  const id = useId();
  return (
    <div className={classes.field} data-changed={changed}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode={inputMode}
        autoComplete="off"
        spellCheck={false}
        className="numeric"
        value={text}
        placeholder={placeholder}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-help`}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <p id={`${id}-help`} className={`${classes.help} small`}>
        {problem === undefined ? null : (
          <strong className={classes.problem}>
            {label} {problem}.{' '}
          </strong>
        )}
        {help} <span className="muted">{source}</span>
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
