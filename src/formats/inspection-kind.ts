/** How an inspection file says what it is. Apart from its schema, which only those need who read one. */

export const INSPECTION_FORMAT = 'armoscope-inspection';
export const INSPECTION_VERSION = 1;

/** Whether parsed JSON claims to be such a file; nothing else about it is known. */
export function isInspectionFile(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === INSPECTION_FORMAT;
}
