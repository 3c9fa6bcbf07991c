/**
 * Telling what an objective is, from wherever its name stands: a view provides the function, names and charts call it. Without a
 * provider names are plain text.
 */
import { createContext, useContext } from 'react';

export type ExplainObjective = (name: string) => void;

export const ExplainObjectiveContext = createContext<ExplainObjective | undefined>(undefined);

export function useExplainObjective(): ExplainObjective | undefined {
  return useContext(ExplainObjectiveContext);
}
