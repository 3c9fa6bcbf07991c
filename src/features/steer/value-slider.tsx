/**
 * One value under two controls of one name: a slider and a number field. A drag, or the time the field is typed into, is one
 * gesture; a key press on the slider is one step.
 */
import { useState, type CSSProperties, type KeyboardEvent } from 'react';
import { formatSignificant, fullPrecision } from '@/components/number-format.ts';
import classes from './value-slider.module.css';

interface Props {
  /** Accessible name of slider and field: the objective, then the handle. */
  readonly name: string;
  readonly value: number;
  /** Where the tick stands. */
  readonly baseline: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Of the field's arrows. */
  readonly step: number;
  readonly colour: string;
  readonly disabled?: boolean;
  readonly onBegin: () => void;
  readonly onMove: (value: number) => void;
  readonly onEnd: () => void;
}

/** Fits the field, and tells apart what the title tells in full. */
const FIELD_DIGITS = 4;

export function ValueSlider({
  name,
  value,
  baseline,
  minimum,
  maximum,
  step,
  colour,
  disabled = false,
  onBegin,
  onMove,
  onEnd,
}: Props) {
  const [draft, setDraft] = useState<string>();
  const share = (at: number) =>
    maximum > minimum ? Math.min(1, Math.max(0, (at - minimum) / (maximum - minimum))) : 0;
  const [from, to] = [share(baseline), share(value)];
  const place: CSSProperties & Record<`--${string}`, string | number> = {
    '--from': from,
    '--to': to,
    '--colour': colour,
  };
  const finish = () => {
    if (draft === undefined) return;
    setDraft(undefined);
    onEnd();
  };
  const type = (text: string) => {
    if (draft === undefined) onBegin();
    setDraft(text);
    const typed = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(typed)) onMove(typed);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Enter' || event.key === 'Escape') finish();
    // Undo acts on the weights, not on the text in the field, so the text gives way.
    if (event.key.toLowerCase() === 'z' && (event.ctrlKey || event.metaKey)) finish();
  };
  return (
    <>
      <div className={classes.slider} style={place}>
        <span className={classes.track} aria-hidden="true">
          <span className={classes.fill} />
          <span className={classes.tick} />
        </span>
        <input
          type="range"
          aria-label={name}
          aria-valuetext={`${formatSignificant(value)}, baseline ${formatSignificant(baseline)}`}
          min={minimum}
          max={maximum}
          step="any"
          value={value}
          disabled={disabled}
          onPointerDown={onBegin}
          onPointerUp={onEnd}
          onPointerCancel={onEnd}
          onChange={(event) => onMove(event.currentTarget.valueAsNumber)}
        />
      </div>
      <input
        type="number"
        className={`${classes.field} numeric`}
        aria-label={name}
        title={fullPrecision(value)}
        step={step}
        value={draft ?? String(Number(value.toPrecision(FIELD_DIGITS)))}
        disabled={disabled}
        onChange={(event) => type(event.currentTarget.value)}
        onKeyDown={key}
        onBlur={finish}
      />
    </>
  );
}
