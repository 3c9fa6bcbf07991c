/** Controls of the header that hold for every view, between the navigation and the model's badge. A new one is one line here. */
import type { ComponentType } from 'react';

export const headerTools: readonly ComponentType[] = [];
