/** Says that the connection is gone, and what that does not change. */
import { useSyncExternalStore } from 'react';
import classes from './shell.module.css';

/** In the first picture, which is drawn before there is a browser. */
const assumeOnline = (): boolean => true;

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}

export function ConnectionNotice() {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine, assumeOnline);
  return (
    <div role="status" className={online ? undefined : classes.offline}>
      {online ? null : (
        <p>
          <strong>Offline.</strong> A model that is loaded, your texts and the views keep working: all of it is on this
          machine. Only models at an address wait for the connection.
        </p>
      )}
    </div>
  );
}
