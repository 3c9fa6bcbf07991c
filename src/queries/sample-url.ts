/** Where the page has a file of its sample. */
export function sampleUrl(file: string): URL {
  return new URL(`sample/${file}`, document.baseURI);
}

/** The pairs written for this page: Evaluate offers them to try, Debias scores them where a set has no pairs. */
export function writtenPairsUrl(): URL {
  return sampleUrl('written-pairs.jsonl');
}
