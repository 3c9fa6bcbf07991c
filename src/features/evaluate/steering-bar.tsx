/** What is steered, and the one handle that belongs to whole sets: how strong the verbosity correction is. */
import { Button, SegmentedControl } from '@mantine/core';
import { formatQuantity, formatSetting } from '@/components/number-format.ts';
import { setPenaltyBase, setPenaltyScale } from '@/core/steering-moves.ts';
import { isIdentitySteering } from '@/core/steering.ts';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import { resetSteering, steerFresh } from '@/state/steering-store.ts';
import classes from './evaluate-view.module.css';

const choices = ['0', '0.5', '1', '1.5'];

export function SteeringBar({ evaluated }: { readonly evaluated: EvaluatedSet }) {
  const { head, steering, trackId, scores } = evaluated;
  if (head === undefined || scores === undefined) return null;
  const { penalties } = steering;
  const scale = penalties.base === 'none' ? '0' : String(penalties.scale);
  const steered = !isIdentitySteering(steering);
  return (
    <div className={classes.head}>
      <div className={classes.buttons}>
        {head.verbosityDimensions.length === 0 ? null : (
          <>
            <span className="small" id="evaluate-correction">
              Verbosity correction λ ×
            </span>
            <SegmentedControl
              size="xs"
              aria-labelledby="evaluate-correction"
              value={scale}
              data={[...choices, ...(choices.includes(scale) ? [] : [scale])].map((value) => ({
                value,
                label: value === '0' ? 'off' : value === '1' ? '1, the model’s' : formatSetting(Number(value)),
              }))}
              onChange={(value) =>
                steerFresh(trackId, (before) =>
                  setPenaltyScale(
                    before.penalties.base === 'none' ? setPenaltyBase(before, 'model') : before,
                    Number(value),
                  ),
                )
              }
            />
          </>
        )}
        <span className="small numeric" role="status" aria-label="Flips">
          {formatQuantity(scores.scores.flipCount, 'flip')} against the baseline
        </span>
      </div>
      {steered ? (
        <Button size="compact-sm" variant="default" onClick={() => resetSteering(trackId)}>
          Reset to the baseline
        </Button>
      ) : null}
    </div>
  );
}
