/** As much of a `Worker` as whoever gives it orders needs. */
export interface WorkerFor<Order, Reply> {
  postMessage(order: Order): void;
  addEventListener(type: 'message', listener: (event: { readonly data: Reply }) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: () => void): void;
  terminate(): void;
}
