/** The runs of a Dag as rows, and everything that they measured as columns. */

import type { DagRun } from "./airflow";
import { type CsvValue, csv } from "./csv";
import { showComparisons } from "./execution";
import { object } from "./reading";
import type { ModelPackage, PipelineParameter, PipelineReport, RunReports } from "./reports";
import { dotted, lastSegment, shortestLabels } from "./text";

export type Scalar = number | string | boolean;

export interface FoundPackage {
  taskId: string;
  mapIndex: number;
  modelPackage: ModelPackage;
}

export interface Branch {
  condition: string;
  side: "if" | "else";
  /** Such as `accuracy 0.956 ≥ 0.9`. */
  text: string;
}

export interface CodeFile {
  name: string;
  /** The hash in the file's place; null for code that is not stored by its content. */
  hash: string | null;
  uri: string;
}

export interface RunRow {
  run: DagRun;
  /** With the task that launched each. */
  pipelines: { task: string; report: PipelineReport }[];
  /** By the id of the column. */
  metrics: ReadonlyMap<string, Scalar>;
  /** With what the run's own conditions compared its metrics, by the id of the column. */
  thresholds: ReadonlyMap<string, Threshold>;
  packages: FoundPackage[];
  branches: Branch[];
  assets: string[];
  code: CodeFile[];
  parameters: PipelineParameter[];
  /** Milliseconds, by step; of a ForEach from its first item's start to its last one's end. */
  durations: ReadonlyMap<string, number>;
}

export interface Threshold {
  operator: string;
  value: number;
}

export interface MetricColumn {
  id: string;
  label: string;
  /** With the task, the property file and the whole path. */
  title: string;
  isNumeric: boolean;
  threshold: Threshold | null;
}

const SEPARATOR = "\u001f";

const metricId = (path: string[]): string => path.join(SEPARATOR);

/** The scalars in a property file by their paths; long text and lists are left out. */
export const flatten = (value: unknown, path: string[] = []): { path: string[]; value: Scalar }[] => {
  if (typeof value === "number" || typeof value === "boolean") return [{ path, value }];
  if (typeof value === "string") return value.length <= 80 ? [{ path, value }] : [];
  return Object.entries(object(value) ?? {}).flatMap(([name, member]) => flatten(member, [...path, name]));
};

/** Builds the row of one run. */
export const buildRow = (run: DagRun, reports: RunReports): RunRow => {
  const metrics = new Map<string, Scalar>();
  const pipelines: RunRow["pipelines"] = [];
  const packages: FoundPackage[] = [];
  const branches: Branch[] = [];
  const taskIds = reports.taskIds();
  const names = new Map(
    taskIds.flatMap((taskId) =>
      (reports.of(taskId).pipeline?.steps ?? []).flatMap((step) =>
        step.taskId === null ? [] : [[step.taskId, step.name] as const],
      ),
    ),
  );
  for (const taskId of taskIds) {
    for (const mapIndex of reports.mapIndexes(taskId)) {
      const { pipeline, step, propertyFiles, outcome } = reports.of(taskId, mapIndex);
      const task = mapIndex < 0 ? taskId : `${taskId}[${mapIndex}]`;
      if (pipeline !== null) pipelines.push({ task, report: pipeline });
      for (const { path, value } of flatten(propertyFiles)) metrics.set(metricId([task, ...path]), value);
      for (const [name, value] of Object.entries(step?.job?.metrics ?? {})) {
        metrics.set(metricId([task, "training job", name]), value);
      }
      const best = step?.job?.best ?? null;
      if (best !== null && best.metric !== null && best.value !== null) {
        metrics.set(metricId([task, "best training job", best.metric]), best.value);
      }
      if (step?.modelPackage) packages.push({ taskId, mapIndex, modelPackage: step.modelPackage });
      if (outcome !== null && outcome.holds !== null) {
        branches.push({
          condition: names.get(taskId) ?? lastOfTask(taskId),
          side: outcome.holds ? "if" : "else",
          text: showComparisons(outcome, [])
            .map((comparison) => comparison.text)
            .join(", "),
        });
      }
    }
  }
  const durations = new Map<string, number>();
  for (const { task, report } of pipelines) {
    for (const { name, taskId } of report.steps) {
      if (taskId === null) continue;
      const times = reports.mapIndexes(taskId).flatMap((mapIndex) => {
        const { start = null, end = null } = reports.of(taskId, mapIndex).step ?? {};
        return start === null || end === null ? [] : [{ start, end }];
      });
      if (times.length === 0) continue;
      durations.set(
        named(name, task, pipelines),
        Math.max(...times.map((one) => one.end)) - Math.min(...times.map((one) => one.start)),
      );
    }
  }
  return {
    run,
    pipelines,
    metrics,
    thresholds: thresholdsOf(
      pipelines.map(({ report }) => report),
      metrics.keys(),
    ),
    packages,
    branches,
    durations,
    assets: [...new Set(pipelines.flatMap(({ report }) => report.assets.map((asset) => asset.uri)))],
    code: codeFiles(pipelines.flatMap(({ report }) => report.code)),
    parameters: pipelines.flatMap(({ task, report }) =>
      report.parameters.map((parameter) => ({ ...parameter, name: named(parameter.name, task, pipelines) })),
    ),
  };
};

/** A name of a pipeline's own, with the task that launched it where a run has several. */
const named = (name: string, task: string, pipelines: RunRow["pipelines"]): string =>
  pipelines.length > 1 ? `${task}: ${name}` : name;

/** The last part of a task's id, without its groups. */
const lastOfTask = (taskId: string): string => taskId.split(".").at(-1) ?? taskId;

export const codeFiles = (uris: string[]): CodeFile[] =>
  [...new Set(uris)].map((uri) => ({
    uri,
    name: lastSegment(uri),
    hash: /(?:^|[/-])([0-9a-f]{64}|[0-9a-f]{40})(?=[/.-]|$)/i.exec(uri)?.[1] ?? null,
  }));

/** Whether two runs ran the same code, as far as their files are stored by their content. */
export const codeKey = (row: Pick<RunRow, "code">): string =>
  row.code
    .map((file) => file.uri)
    .sort()
    .join("\n");

/** The columns of all metrics, those that a condition compares first, then by name. */
export const buildColumns = (rows: RunRow[]): MetricColumn[] => {
  const numeric = new Map<string, boolean>();
  for (const row of rows) {
    for (const [id, value] of row.metrics) {
      numeric.set(id, (numeric.get(id) ?? true) && typeof value === "number");
    }
  }
  // The newest run's count.
  const thresholds = new Map([...rows].reverse().flatMap((row) => [...row.thresholds]));
  const ids = [...numeric.keys()].sort(
    (one, other) =>
      Number(thresholds.has(other)) - Number(thresholds.has(one)) ||
      Number(numeric.get(other)) - Number(numeric.get(one)) ||
      one.localeCompare(other),
  );
  const paths = ids.map((id) => {
    const path = id.split(SEPARATOR);
    // SageMaker's own evaluation reports hold {"mse": {"value": ...}}.
    return path.length > 3 && path.at(-1) === "value" ? path.slice(0, -1) : path;
  });
  const labels = shortestLabels(paths);
  return ids.map((id, index) => ({
    id,
    label: labels[index] ?? id,
    title: id.split(SEPARATOR).join(" · "),
    isNumeric: numeric.get(id) ?? false,
    threshold: thresholds.get(id) ?? null,
  }));
};

/** The columns that are shown until a person chooses: the first numeric ones, without the spread of a metric. */
export const firstColumns = (columns: MetricColumn[], limit = 6): Set<string> =>
  new Set(
    columns
      .filter((column) => column.isNumeric && !/(standard_deviation|stddev|std)$/.test(column.id))
      .slice(0, limit)
      .map((column) => column.id),
  );

/** What the conditions of pipelines compare metrics with. */
const thresholdsOf = (reports: PipelineReport[], metrics: Iterable<string>): Map<string, Threshold> => {
  const found = new Map<string, Threshold>();
  const ids = new Map([...metrics].map((id) => [id.replaceAll(SEPARATOR, "."), id]));
  for (const report of reports) {
    for (const condition of report.steps.flatMap((step) => step.conditions)) {
      if (condition.metric === null || condition.operator === null || condition.value === null) continue;
      const id = metricColumn(condition.metric, report, ids);
      if (id !== null && !found.has(id)) found.set(id, { operator: condition.operator, value: condition.value });
    }
  }
  return found;
};

/** The column, of those by their names with dots, that a condition's `STEP.PROPERTYFILE.PATH` means. */
const metricColumn = (name: string, report: PipelineReport, ids: ReadonlyMap<string, string>): string | null => {
  const metric = dotted(name);
  for (const { name: step, taskId } of report.steps) {
    if (taskId === null) continue;
    for (const start of [step, taskId, lastOfTask(taskId)]) {
      if (!metric.startsWith(`${start}.`)) continue;
      // A name in a property file may have dots of its own.
      const id = ids.get(`${taskId}.${metric.slice(start.length + 1)}`);
      if (id !== undefined) return id;
    }
  }
  return null;
};

/** The values of a metric from the oldest run to the newest, for a chart. */
export const series = (rows: RunRow[], columnId: string): { row: RunRow; value: number }[] =>
  [...rows]
    .sort((one, other) => (one.run.runAfter ?? 0) - (other.run.runAfter ?? 0))
    .flatMap((row) => {
      const value = row.metrics.get(columnId);
      return typeof value === "number" ? [{ row, value }] : [];
    });

export const passes = (value: number, threshold: Threshold): boolean | null => {
  switch (threshold.operator) {
    case ">=":
      return value >= threshold.value;
    case ">":
      return value > threshold.value;
    case "<=":
      return value <= threshold.value;
    case "<":
      return value < threshold.value;
    case "==":
      return value === threshold.value;
    default:
      return null;
  }
};

export const shownVersion = ({ group, version }: ModelPackage): string =>
  [group, version === null ? null : `v${version}`].filter((part) => part !== null).join(" ") || "—";

export const shownBranch = ({ condition, side, text }: Branch): string =>
  `${condition}: ${side}${text === "" ? "" : ` (${text})`}`;

/** What the search looks through. */
export const searchText = (row: RunRow): string =>
  [
    row.run.runId,
    row.run.state ?? "",
    ...row.packages.flatMap(({ modelPackage }) => [shownVersion(modelPackage), modelPackage.approvalStatus ?? ""]),
    ...row.branches.map(shownBranch),
    ...row.assets,
    ...row.code.flatMap((file) => [file.name, file.hash ?? ""]),
    ...row.parameters.map((parameter) => `${parameter.name}=${parameter.value}`),
  ]
    .join("\n")
    .toLowerCase();

/**
 * The table as CSV.
 *
 * @param approval what a refresh told since, by {@link packageKey}.
 */
export const modelsCsv = (
  rows: RunRow[],
  columns: MetricColumn[],
  approval: ReadonlyMap<string, string> = new Map(),
): string =>
  csv(
    ["run", "run after", "state", ...columns.map((column) => column.title), "model package", "approval status"].concat([
      "branches",
      "assets",
      "code",
    ]),
    rows.map((row): CsvValue[] => [
      row.run.runId,
      row.run.runAfter === null ? null : new Date(row.run.runAfter).toISOString(),
      row.run.state,
      ...columns.map((column) => row.metrics.get(column.id)),
      row.packages.map(({ modelPackage }) => shownVersion(modelPackage)).join("; "),
      row.packages
        .map((found) => approval.get(packageKey(row, found)) ?? found.modelPackage.approvalStatus ?? "")
        .join("; "),
      row.branches.map(shownBranch).join("; "),
      row.assets.join("; "),
      row.code.map((file) => file.uri).join("; "),
    ]),
  );

export const packageKey = (row: RunRow, { taskId, mapIndex }: FoundPackage): string =>
  JSON.stringify([row.run.runId, taskId, mapIndex]);
