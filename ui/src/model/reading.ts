/** Readers of values that may be anything: an older run, a custom XCom backend, a value cut short. */

export type JsonObject = Record<string, unknown>;

export const object = (value: unknown): JsonObject | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const objects = (value: unknown): JsonObject[] =>
  list(value).flatMap((item) => {
    const found = object(item);
    return found === null ? [] : [found];
  });

export const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

export const texts = (value: unknown): string[] => list(value).flatMap((item) => text(item) ?? []);

/** Text of a value that may also be a number or a boolean, such as a pipeline parameter. */
export const scalarText = (value: unknown): string | null =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : typeof value === "string" ? value : null;

export const number = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

export const flag = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null);

/** Milliseconds since 1970 of an ISO time. */
export const time = (value: unknown): number | null => {
  if (typeof value !== "string") return null;
  const milliseconds = Date.parse(value);
  return Number.isNaN(milliseconds) ? null : milliseconds;
};

/** A member that is the record's own: what every object of JavaScript has, such as `constructor`, is not. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** The members of an object that `read` understands. */
export const members = <T>(value: unknown, read: (member: unknown) => T | null): Record<string, T> =>
  Object.fromEntries(
    Object.entries(object(value) ?? {}).flatMap(([name, member]) => {
      const one = read(member);
      return one === null ? [] : [[name, one]];
    }),
  );
