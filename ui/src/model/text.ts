/** Values as people read them. */

import { own } from "./reading";

export const NOTHING = "—";

const METRIC = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });

export const formatNumber = (value: number | null): string => (value === null ? NOTHING : METRIC.format(value));

export const formatValue = (value: unknown): string => {
  if (value === null || value === undefined || value === "") return NOTHING;
  if (typeof value === "number") return formatNumber(value);
  return typeof value === "string" ? value : JSON.stringify(value);
};

export const formatMoney = (value: number | null, currency: string | null): string => {
  if (value === null) return NOTHING;
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2;
  const amount = value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: digits });
  return currency === null ? amount : `${amount} ${currency}`;
};

export const formatShare = (share: number | null): string =>
  share === null ? NOTHING : `${Math.round(share * 100)} %`;

/** A duration in at most two units, such as `1 h 05 min`. */
export const formatDuration = (milliseconds: number | null): string => {
  if (milliseconds === null || !(milliseconds >= 0 && milliseconds < Number.POSITIVE_INFINITY)) return NOTHING;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${pad(whole % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)} h`;
};

const pad = (value: number): string => String(value).padStart(2, "0");

/** A time in the browser's zone. */
export const formatTime = (milliseconds: number | null): string =>
  milliseconds === null
    ? NOTHING
    : new Date(milliseconds).toLocaleString(undefined, {
        year: "numeric",
        month: "short",
        day: "numeric",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      });

/** A time on an axis: of the day, with seconds where the axis is short, with the date where it is long. */
export const formatTick = (at: Date, span: number): string =>
  span > 36 * 3_600_000
    ? at.toLocaleDateString(undefined, { month: "short", day: "numeric", hour: "2-digit" })
    : at.toLocaleTimeString(undefined, {
        hour: "2-digit",
        minute: "2-digit",
        ...(span < 240_000 ? { second: "2-digit" } : {}),
      });

/** What stands in the `title` of a time. */
export const isoTime = (milliseconds: number | null): string | undefined =>
  milliseconds === null ? undefined : new Date(milliseconds).toISOString();

const SIGNS: Record<string, string> = { ">=": "≥", "<=": "≤", "!=": "≠", "==": "=" };

export const sign = (operator: string | null): string =>
  operator === null ? "?" : (own(SIGNS, operator) ?? operator.toLowerCase());

/** A name with dots only: `evaluate.returned.['accuracy']` is `evaluate.returned.accuracy`. */
export const dotted = (name: string): string => name.replace(/\.?\[(?:'([^']*)'|"([^"]*)"|(\d+))\]/g, ".$1$2$3");

/** The last part of a dotted name that says something: SageMaker's own reports hold `{"mse": {"value": ...}}`. */
export const lastPart = (name: string): string => {
  const path = dotted(name);
  return (
    path
      .replace(/(?<=\..+)\.value$/, "")
      .split(".")
      .at(-1) ?? name
  );
};

/** What follows the last slash, such as the id of an execution in its ARN or the name of a file. */
export const lastSegment = (path: string): string => path.split("/").filter(Boolean).at(-1) ?? path;

/** The shortest ending of each path of names that tells it from the others. */
export const shortestLabels = (paths: string[][]): string[] => {
  const ending = (path: string[], length: number): string => path.slice(-length).join(" · ");
  const found: (string | undefined)[] = paths.map(() => undefined);
  const longest = paths.reduce((most, path) => Math.max(most, path.length), 0);
  for (let length = 1; length < longest; length += 1) {
    const counts = new Map<string, number>();
    const endings = paths.map((path) => ending(path, length));
    for (const label of endings) counts.set(label, (counts.get(label) ?? 0) + 1);
    endings.forEach((label, index) => {
      if (length < (paths[index]?.length ?? 0) && counts.get(label) === 1) found[index] ??= label;
    });
    if (!found.includes(undefined)) break;
  }
  return paths.map((path, index) => found[index] ?? ending(path, path.length));
};

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
