/**
 * Shows its children when they come near the window, or as soon as `now` says so; then they stay. What is far below the first screen
 * costs a phone most of its first second otherwise.
 */
import { useEffect, useRef, useState, type ReactNode } from 'react';

/** About a third of a screen before it is seen. */
const margin = '300px';

interface Props {
  /** Show them wherever they are: nothing more urgent is to be done. */
  readonly now: boolean;
  /** Class of the box that keeps their place. */
  readonly placeholder: string | undefined;
  readonly children: ReactNode;
}

export function WhenNear({ now, placeholder, children }: Props) {
  const [shown, setShown] = useState(now);
  const place = useRef<HTMLDivElement>(null);
  if (now && !shown) setShown(true);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setShown(true);
      },
      { rootMargin: margin },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return shown || now ? children : <div ref={place} className={placeholder} aria-busy="true" />;
}
