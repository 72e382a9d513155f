/** Two runs side by side. */

import { codeKey, type MetricColumn, type RunRow, shownBranch, shownVersion } from "./models";
import { formatDuration, formatNumber, formatValue, NOTHING } from "./text";

export interface ComparedRow {
  name: string;
  title: string;
  first: string;
  second: string;
  isSame: boolean;
  /** How the second differs from the first, where both are numbers. */
  change: string | null;
}

export interface ComparedSection {
  title: string;
  rows: ComparedRow[];
}

export const compareRuns = (first: RunRow, second: RunRow, columns: MetricColumn[]): ComparedSection[] =>
  [
    { title: "Metrics", rows: columns.flatMap((column) => compareMetric(first, second, column)) },
    { title: "Parameters", rows: compareParameters(first, second) },
    { title: "Code and data", rows: compareCode(first, second) },
    { title: "Durations", rows: compareDurations(first, second) },
  ].filter((section) => section.rows.length > 0);

const compareMetric = (first: RunRow, second: RunRow, column: MetricColumn): ComparedRow[] => {
  const [one, other] = [first.metrics.get(column.id), second.metrics.get(column.id)];
  if (one === undefined && other === undefined) return [];
  return [row(column.label, formatValue(one), formatValue(other), one === other, change(one, other), column.title)];
};

const compareParameters = (first: RunRow, second: RunRow): ComparedRow[] => {
  const values = (run: RunRow) => new Map(run.parameters.map((parameter) => [parameter.name, parameter]));
  const [ones, others] = [values(first), values(second)];
  return union(ones.keys(), others.keys()).map((name) => {
    const [one, other] = [ones.get(name), others.get(name)];
    const place = other?.place ?? one?.place ?? null;
    const shown = [formatValue(one?.value), formatValue(other?.value)] as const;
    return row(name, ...shown, one?.value === other?.value, null, place === null ? name : `${name}: ${place}`);
  });
};

const compareCode = (first: RunRow, second: RunRow): ComparedRow[] => {
  const files = (run: RunRow) => new Map(run.code.map((file) => [file.name, file]));
  const [ones, others] = [files(first), files(second)];
  const ofFiles = union(ones.keys(), others.keys()).map((name) => {
    const [one, other] = [ones.get(name), others.get(name)];
    const shown = [one, other].map((file) => (file === undefined ? NOTHING : (file.hash?.slice(0, 12) ?? file.uri)));
    return row(name, shown[0] ?? NOTHING, shown[1] ?? NOTHING, one?.uri === other?.uri, null, other?.uri ?? one?.uri);
  });
  const all: [string, (run: RunRow) => string][] = [
    ["pipeline version", (run) => run.pipelines.map(({ report }) => `${report.version ?? NOTHING}`).join(", ")],
    ["branches", (run) => run.branches.map(shownBranch).join(", ")],
    ["model package", (run) => run.packages.map(({ modelPackage }) => shownVersion(modelPackage)).join(", ")],
    ["triggering assets", (run) => run.assets.join(", ")],
  ];
  const ofTheRest = all.flatMap(([name, of]) => {
    const [one, other] = [of(first), of(second)];
    return one === "" && other === "" ? [] : [row(name, one || NOTHING, other || NOTHING, one === other, null)];
  });
  const isSame = codeKey(first) === codeKey(second);
  return ofFiles.length > 0 && isSame ? [...ofTheRest, ...ofFiles] : [...ofFiles, ...ofTheRest];
};

const compareDurations = (first: RunRow, second: RunRow): ComparedRow[] => {
  const whole = (run: RunRow) =>
    run.run.start === null || run.run.end === null ? undefined : run.run.end - run.run.start;
  const durations = (name: string, one: number | undefined, other: number | undefined): ComparedRow => {
    const difference = one === undefined || other === undefined ? null : other - one;
    const shown =
      difference === null || difference === 0
        ? null
        : `${difference > 0 ? "+" : "−"}${formatDuration(Math.abs(difference))}`;
    return row(name, formatDuration(one ?? null), formatDuration(other ?? null), one === other, shown);
  };
  const steps = union(first.durations.keys(), second.durations.keys()).map((name) =>
    durations(name, first.durations.get(name), second.durations.get(name)),
  );
  return [durations("Dag run", whole(first), whole(second)), ...steps];
};

const row = (
  name: string,
  first: string,
  second: string,
  isSame: boolean,
  changed: string | null,
  title: string = name,
): ComparedRow => ({ name, title, first, second, isSame, change: changed });

const change = (one: unknown, other: unknown): string | null => {
  if (typeof one !== "number" || typeof other !== "number" || one === other) return null;
  const difference = other - one;
  return `${difference > 0 ? "+" : "−"}${formatNumber(Math.abs(difference))}`;
};

const union = (ones: Iterable<string>, others: Iterable<string>): string[] => [...new Set([...ones, ...others])];
