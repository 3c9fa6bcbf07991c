/** What to do first, until something was moved: one sentence, true of the pair that is open. */
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import { isSteered, trackOf, useSteering } from '@/state/steering-store.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './steer-hint.module.css';

export function SteerHint({ subject }: { readonly subject: SteerSubject }) {
  const { modelId, first, second, objectives } = subject;
  const untouched = useSteering((state) => {
    const track = trackOf(state, modelId);
    return !isSteered(track) && track.past.length === 0;
  });
  if (!untouched || second === undefined) return null;
  const margin = first.baseline.score - second.baseline.score;
  const [winner, loser] = margin >= 0 ? [first, second] : [second, first];
  const best = bestFor(winner.baseline.adjustedRewards, loser.baseline.adjustedRewards);
  const objective = objectives[best.index];
  if (objective === undefined) return null;
  return (
    <p className={classes.hint}>
      {best.difference < 0 ? (
        <>
          Response {winner.letter} wins. Drag <strong>{shortObjectiveLabel(objective)}</strong>, where {loser.letter} is
          furthest ahead, to the right until {loser.letter} wins, or let <strong>Smallest flip</strong> find the least
          change.
        </>
      ) : (
        <>
          Response {winner.letter} is ahead on every objective, so no gate can make {loser.letter} win: move what you
          like, or let <strong>Smallest flip</strong> prove it.
        </>
      )}
    </p>
  );
}

/** The objective on which the winner's lead is least. */
function bestFor(winner: Float64Array, loser: Float64Array): { readonly index: number; readonly difference: number } {
  let index = 0;
  let difference = Number.POSITIVE_INFINITY;
  winner.forEach((value, j) => {
    const lead = value - (loser[j] ?? 0);
    if (lead < difference) [index, difference] = [j, lead];
  });
  return { index, difference };
}
