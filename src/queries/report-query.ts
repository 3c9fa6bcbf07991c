/** `report.json`, the figures some packages bring about their own quality. Absent for most. */
import { queryOptions, useQuery } from '@tanstack/react-query';
import { readObjectiveFacts, type ObjectiveFacts } from '@/formats/objective-facts.ts';
import { modelSource, type ModelChoice } from '@/state/model-choice.ts';

export type ReportValue =
  | string
  | number
  | boolean
  | null
  | readonly ReportValue[]
  | { readonly [key: string]: ReportValue };

/** A report is prose and figures; anything larger is not one. */
const LARGEST_REPORT_BYTES = 4_000_000;

async function readReport(choice: ModelChoice, signal: AbortSignal): Promise<ReportValue | undefined> {
  const source = modelSource(choice, document.baseURI);
  if (source.kind === 'directory') return undefined;
  if (source.kind === 'files') {
    const blob = source.files.find((entry) => entry.path === 'report.json')?.blob;
    return blob === undefined || blob.size > LARGEST_REPORT_BYTES ? undefined : parse(await blob.text());
  }
  const response = await fetch(new URL('report.json', source.url), { signal });
  return response.ok ? parse(await response.text()) : undefined;
}

function parse(text: string): ReportValue | undefined {
  if (text.length > LARGEST_REPORT_BYTES) return undefined;
  try {
    const value: ReportValue = JSON.parse(text);
    return value;
  } catch {
    // A server that answers every address with its start page has no report.
    return undefined;
  }
}

/** `null` where the package has none (the cache takes no `undefined`). */
export function reportQuery(choice: ModelChoice, loadId: number) {
  return queryOptions({
    queryKey: ['report', loadId],
    queryFn: async ({ signal }) => (await readReport(choice, signal)) ?? null,
  });
}

const NO_FACTS: ReadonlyMap<string, ObjectiveFacts> = new Map();

/** What the report of the chosen package says of its objectives, by name; empty where it says nothing, or until it is read. */
export function useObjectiveFacts(
  choice: ModelChoice,
  loadId: number,
  enabled: boolean,
): ReadonlyMap<string, ObjectiveFacts> {
  const facts = useQuery({ ...reportQuery(choice, loadId), select: readObjectiveFacts, enabled });
  return facts.data ?? NO_FACTS;
}
