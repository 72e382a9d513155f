/** A table as CSV (RFC 4180) that a spreadsheet opens without running anything. */

export type CsvValue = string | number | boolean | null | undefined;

/**
 * One field.
 *
 * Spreadsheets run text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula: such text gets an
 * apostrophe in front. Numbers stay numbers.
 */
export const csvField = (value: CsvValue): string => {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const guarded = /^\s*[=+\-@\t\r]/.test(value) || /^[\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(guarded) || guarded !== guarded.trim() ? `"${guarded.replaceAll('"', '""')}"` : guarded;
};

export const csv = (header: string[], rows: CsvValue[][]): string =>
  [header, ...rows]
    .map((row) => row.map(csvField).join(","))
    .join("\r\n")
    .concat("\r\n");
