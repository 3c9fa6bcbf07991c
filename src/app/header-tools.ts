/** Controls of the header that hold for every view, between the navigation and the model's badge. A new one is one line here. */
import type { ComponentType } from 'react';
import { HeadSelect } from './head-select.tsx';

export const headerTools: readonly ComponentType[] = [HeadSelect];
