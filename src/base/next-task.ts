/**
 * Lets what waits for a thread's event loop have its turn, by a message to oneself. Not by `setTimeout`: a browser makes every one after
 * the fifth wait 4 ms, and slows all of them down in a worker of a hidden page.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
