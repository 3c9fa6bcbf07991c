/**
 * What the person changed by hand, for each model, with every step that led there: undo is taking the value before, so it
 * returns to the exact state. Serialisable; results are recombined from cached rewards by `core` and never stored.
 *
 * A drag, or the time a number field is typed into, is one gesture: its moves all start from the steering at its beginning, so
 * that the way there leaves no trace and one undo takes it back.
 */
import { create } from 'zustand';
import { identitySteering, isIdentitySteering, type Steering } from '@/core/steering.ts';

/** What the sliders take hold of. */
export type SteeringHandle = 'gate' | 'coefficients' | 'logits' | 'penalties';

/** Which responses are steered: those open in Inspect, or a group of the loaded set. */
export type SteerSource = { readonly kind: 'open' } | { readonly kind: 'set'; readonly group: number };

/** Steering of one model. */
export interface SteeringTrack {
  readonly steering: Steering;
  /** Values before, oldest first. */
  readonly past: readonly Steering[];
  /** Values that were undone, next one last. */
  readonly future: readonly Steering[];
  /** While a gesture lasts: the value it began with. */
  readonly gestureFrom: Steering | undefined;
}

export interface SteeringState {
  /** By model id; a model that was never steered has none. */
  readonly tracks: Readonly<Record<string, SteeringTrack>>;
  readonly handle: SteeringHandle;
  readonly source: SteerSource;
  /** Positions of the two responses compared, among those steered. */
  readonly pair: readonly [first: number, second: number];
}

const emptyTrack: SteeringTrack = { steering: identitySteering, past: [], future: [], gestureFrom: undefined };

/** Steps that can be undone; a step is a few hundred bytes. */
const MOST_STEPS = 500;

const initial: SteeringState = { tracks: {}, handle: 'gate', source: { kind: 'open' }, pair: [0, 1] };

export const useSteering = create<SteeringState>(() => initial);

export function resetSteeringStore(): void {
  useSteering.setState(initial, true);
}

/** The track of a model; the same empty one for every model that was never steered. */
export function trackOf({ tracks }: Pick<SteeringState, 'tracks'>, modelId: string): SteeringTrack {
  return tracks[modelId] ?? emptyTrack;
}

/** A move as one step: outside a gesture it can be undone by itself, inside it starts from the gesture's beginning. */
export function steer(modelId: string, move: (steering: Steering) => Steering): void {
  change(modelId, (track) => {
    if (track.gestureFrom !== undefined) return { ...track, steering: move(track.gestureFrom) };
    return stepTo(track, track.steering, move(track.steering));
  });
}

/** Begins a gesture; one that is under way ends first. */
export function beginGesture(modelId: string): void {
  change(modelId, (track) => {
    const settled = ended(track);
    return { ...settled, gestureFrom: settled.steering };
  });
}

/** Ends the gesture: all of it is one step, or none when nothing changed. */
export function endGesture(modelId: string): void {
  change(modelId, ended);
}

/** Takes back the last step, or the gesture under way. */
export function undoSteering(modelId: string): void {
  change(modelId, (track) => {
    const { steering, past, future } = ended(track);
    const before = past.at(-1);
    if (before === undefined) return ended(track);
    return { steering: before, past: past.slice(0, -1), future: [...future, steering], gestureFrom: undefined };
  });
}

export function redoSteering(modelId: string): void {
  change(modelId, (track) => {
    const { steering, past, future } = ended(track);
    const next = future.at(-1);
    if (next === undefined) return ended(track);
    return { steering: next, past: [...past, steering], future: future.slice(0, -1), gestureFrom: undefined };
  });
}

/** Back to the model's own head, as a step that can be undone. */
export function resetSteering(modelId: string): void {
  steerFresh(modelId, () => identitySteering);
}

/** A move that ends any gesture first: for buttons, presets and links, which do not belong to a drag. */
export function steerFresh(modelId: string, move: (steering: Steering) => Steering): void {
  endGesture(modelId);
  steer(modelId, move);
}

export function setHandle(handle: SteeringHandle): void {
  useSteering.setState({ handle });
}

export function setSource(source: SteerSource): void {
  useSteering.setState({ source, pair: [0, 1] });
}

/** Chooses the pair; choosing the other's response swaps the two. */
export function setPair(first: number, second: number): void {
  useSteering.setState(({ pair }) => {
    if (first !== second) return { pair: [first, second] };
    return { pair: first === pair[0] ? [pair[1], pair[0]] : [first, pair[0]] };
  });
}

/** Whether anything differs from the model's own head; locks and a solo of nothing do not. */
export function isSteered({ steering }: SteeringTrack): boolean {
  return !isIdentitySteering(steering);
}

/** Equal as data: the same numbers, whatever the order their keys were made in. */
export function sameSteering(a: Steering, b: Steering): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical(steering: Steering): string {
  return JSON.stringify(steering, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : value,
  );
}

function ended(track: SteeringTrack): SteeringTrack {
  const { gestureFrom, steering } = track;
  if (gestureFrom === undefined) return track;
  return stepTo({ ...track, gestureFrom: undefined }, gestureFrom, steering);
}

function stepTo(track: SteeringTrack, from: Steering, to: Steering): SteeringTrack {
  if (sameSteering(from, to)) return track.steering === from ? track : { ...track, steering: from };
  return { ...track, steering: to, past: [...track.past, from].slice(-MOST_STEPS), future: [] };
}

function change(modelId: string, edit: (track: SteeringTrack) => SteeringTrack): void {
  useSteering.setState((state) => {
    const track = trackOf(state, modelId);
    const edited = edit(track);
    return edited === track ? state : { tracks: { ...state.tracks, [modelId]: edited } };
  });
}
