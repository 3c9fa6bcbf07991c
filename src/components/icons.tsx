/** The page's icons: 16-pixel strokes in the text's colour, invisible to screen readers (the control around them has a name). */
import type { ReactNode } from 'react';

export function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const PlusIcon = () => (
  <Icon>
    <path d="M8 3v10M3 8h10" />
  </Icon>
);
export const CrossIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 5.5v-1.5a1.5 1.5 0 0 0-1.5-1.5h-5a1.5 1.5 0 0 0-1.5 1.5v5a1.5 1.5 0 0 0 1.5 1.5h1.5" />
  </Icon>
);
export const UpIcon = () => (
  <Icon>
    <path d="M8 13V3M4 7l4-4 4 4" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M8 3v10M4 9l4 4 4-4" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7Z" />
  </Icon>
);
export const ScreenIcon = () => (
  <Icon>
    <rect x="2" y="3" width="12" height="8" rx="1" />
    <path d="M6 13.5h4" />
  </Icon>
);
export const FolderIcon = () => (
  <Icon>
    <path d="M2 12.5v-9h4l1.5 2H14v7Z" />
  </Icon>
);
export const TableIcon = () => (
  <Icon>
    <rect x="2" y="3" width="12" height="10" rx="1" />
    <path d="M2 6.5h12M2 9.75h12M6.5 6.5V13" />
  </Icon>
);
export const ChartIcon = () => (
  <Icon>
    <path d="M2.5 2.5v11h11M6 11V7.5M9 11V5M12 11V8.5" />
  </Icon>
);
export const DownloadIcon = () => (
  <Icon>
    <path d="M8 2.5v7.5M4.75 7 8 10.25 11.25 7M2.5 13.5h11" />
  </Icon>
);

export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.25" />
    <path d="m10.25 10.25 3.25 3.25" />
  </Icon>
);

export const LeftIcon = () => (
  <Icon>
    <path d="m10 3.5-4.5 4.5 4.5 4.5" />
  </Icon>
);
export const RightIcon = () => (
  <Icon>
    <path d="m6 3.5 4.5 4.5-4.5 4.5" />
  </Icon>
);
export const LinkIcon = () => (
  <Icon>
    <path d="M6.5 9.5 9.5 6.5M7 4.5l1.3-1.3a2.8 2.8 0 0 1 4 4l-1.6 1.6M9 11.5l-1.3 1.3a2.8 2.8 0 0 1-4-4l1.6-1.6" />
  </Icon>
);
export const ClockIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 5v3.2l2.2 1.3" />
  </Icon>
);
export const BookIcon = () => (
  <Icon>
    <path d="M2.5 3.5h4a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 0-1.5-1.5h-4ZM13.5 3.5h-4a1.5 1.5 0 0 0-1.5 1.5v8a1.5 1.5 0 0 1 1.5-1.5h4Z" />
  </Icon>
);
export const BracesIcon = () => (
  <Icon>
    <path d="M6 2.5c-2 0-2 1-2 2.5s0 3-1.5 3c1.5 0 1.5 1.5 1.5 3s0 2.5 2 2.5M10 2.5c2 0 2 1 2 2.5s0 3 1.5 3c-1.5 0-1.5 1.5-1.5 3s0 2.5-2 2.5" />
  </Icon>
);
export const EyeIcon = () => (
  <Icon>
    <path d="M1.5 8s2.3-4.3 6.5-4.3S14.5 8 14.5 8s-2.3 4.3-6.5 4.3S1.5 8 1.5 8Z" />
    <circle cx="8" cy="8" r="1.8" />
  </Icon>
);

/** The mark: an objective scale seen through a lens. */
export function Wordmark() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" fill="none" aria-hidden="true" focusable="false">
      <polygon points="12,2 20.7,7 20.7,17 12,22 3.3,17 3.3,7" stroke="currentColor" strokeWidth="1.6" />
      <polygon points="12,5.5 17,9.5 15.8,15 10.5,17.5 6,13.5 7.5,8.5" fill="var(--accent)" fillOpacity="0.85" />
      <circle cx="12" cy="12" r="1.6" fill="var(--surface-1)" />
    </svg>
  );
}
export const UndoIcon = () => (
  <Icon>
    <path d="M5.5 3 2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8H6" />
  </Icon>
);
export const RedoIcon = () => (
  <Icon>
    <path d="m10.5 3 3 3-3 3M13.5 6h-7a4 4 0 0 0 0 8H10" />
  </Icon>
);
export const LockIcon = () => (
  <Icon>
    <rect x="3.5" y="7" width="9" height="6.5" rx="1" />
    <path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" />
  </Icon>
);
export const UnlockIcon = () => (
  <Icon>
    <rect x="3.5" y="7" width="9" height="6.5" rx="1" />
    <path d="M5.5 7V4.5a2.5 2.5 0 0 1 4.8-1" />
  </Icon>
);
export const ResetIcon = () => (
  <Icon>
    <path d="M3 3v3.5h3.5M3.4 6.2A5.2 5.2 0 1 1 2.8 9" />
  </Icon>
);
export const SwapIcon = () => (
  <Icon>
    <path d="M3 5.5h9.5L10 3M13 10.5H3.5L6 13" />
  </Icon>
);
