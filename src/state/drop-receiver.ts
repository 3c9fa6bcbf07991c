/**
 * Files dropped on the page go to the view that is shown, where it takes files; a model package is opened whatever the view.
 * Functions live outside the stores.
 */
import { useEffect, useSyncExternalStore } from 'react';

export interface DropReceiver {
  /** What a drop would do, as an order: shown while files hover over the page. */
  readonly label: string;
  /** Whether a file of this name is for the view. */
  readonly takes: (name: string) => boolean;
  readonly receive: (files: readonly { readonly name: string; readonly blob: Blob }[]) => void;
}

let receivers: readonly DropReceiver[] = [];
const listeners = new Set<() => void>();

function change(next: readonly DropReceiver[]): void {
  receivers = next;
  for (const listener of listeners) listener();
}

/** Takes drops until the returned function is called; the latest receiver gets them. */
export function receiveDrops(receiver: DropReceiver): () => void {
  change([...receivers, receiver]);
  return () => change(receivers.filter((each) => each !== receiver));
}

/** Who would get a drop now. */
export function dropReceiver(): DropReceiver | undefined {
  return receivers.at(-1);
}

export function useDropReceiver(): DropReceiver | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dropReceiver,
    dropReceiver,
  );
}

/** Takes drops while the component is shown. @param receiver the same object at every render. */
export function useReceiveDrops(receiver: DropReceiver): void {
  useEffect(() => receiveDrops(receiver), [receiver]);
}
