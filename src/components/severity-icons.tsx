/** Four shapes for how grave a finding is, told apart without their colour. A word always stands beside them. */
import { Icon } from './icons.tsx';

export const FineIcon = () => (
  <Icon>
    <path d="m3.5 8.5 3 3 6-7" />
  </Icon>
);
export const NoteIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="6" />
    <path d="M8 7.5v3.5M8 5v.01" />
  </Icon>
);
export const WarningIcon = () => (
  <Icon>
    <path d="M8 2.5 14 13.5H2ZM8 6.5v3.5M8 11.8v.01" />
  </Icon>
);
export const ErrorIcon = () => (
  <Icon>
    <path d="M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5ZM6 6l4 4M10 6l-4 4" />
  </Icon>
);
