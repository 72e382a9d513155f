/** A pipeline execution as the "SageMaker" tab shows it, built from reports and task instances. */

import { LAUNCH, type TaskInstance, WHOLE_EXECUTION } from "./airflow";
import type {
  Comparison,
  Outcome,
  PipelineReport,
  ReportedStep,
  RunReports,
  StatedCondition,
  StepReport,
  ToldStep,
} from "./reports";
import { ofStatus, type Status, stepStatus, together } from "./status";
import { formatValue, lastPart, sign } from "./text";

/** One run of a step: the step itself, or one item of a ForEach. */
export interface StepRun {
  mapIndex: number;
  label: string | null;
  status: Status;
  /** The state of the task; null where the step has no task, or its task no state yet. */
  state: string | null;
  start: number | null;
  /** Null while it runs. */
  end: number | null;
  tryNumber: number | null;
  report: StepReport | null;
  propertyFiles: Record<string, unknown>;
}

export interface ShownComparison {
  /** Such as `accuracy 0.956 ≥ 0.9`, or `accuracy ≥ 0.9` before it is decided. */
  text: string;
  /** With full names. */
  title: string;
  holds: boolean | null;
}

export interface Step extends Omit<ReportedStep, "conditions"> {
  status: Status;
  runs: StepRun[];
  /** Whether it is the body of a ForEach, so that `runs` are its items. */
  isStack: boolean;
  comparisons: ShownComparison[];
  /** Of a condition that is decided. */
  holds: boolean | null;
  stated: StatedCondition[];
}

export interface Execution {
  /** The task that launched it. */
  taskId: string;
  mapIndex: number;
  report: PipelineReport;
  status: Status;
  /** Whether one task runs the whole execution, so that its steps have no tasks. */
  isWhole: boolean;
  /** Whether the task of a whole execution has reported the steps, as it does when it ends. */
  isReported: boolean;
  start: number | null;
  end: number | null;
  steps: Step[];
}

/** A pipeline that is not launched yet, or whose launch failed. */
export interface Unlaunched {
  taskId: string;
  mapIndex: number;
  status: Status;
  state: string | null;
}

export interface RunView {
  executions: Execution[];
  unlaunched: Unlaunched[];
}

/**
 * Builds everything that the tab of a run shows.
 *
 * @param instances all task instances of the run.
 * @param reports what its tasks pushed.
 * @param fetched what the `steps` route told, by the launching task's id and map index.
 */
export const buildRun = (
  instances: TaskInstance[],
  reports: RunReports,
  fetched: ReadonlyMap<string, ToldStep[]> = new Map(),
): RunView => {
  const byTask = new Map<string, TaskInstance[]>();
  for (const instance of instances) {
    const ofTask = byTask.get(instance.taskId);
    if (ofTask === undefined) byTask.set(instance.taskId, [instance]);
    else ofTask.push(instance);
  }
  const executions: Execution[] = [];
  const launched = new Set<string>();
  for (const taskId of reports.taskIds()) {
    for (const mapIndex of reports.mapIndexes(taskId)) {
      const report = reports.of(taskId, mapIndex).pipeline;
      if (report === null) continue;
      const key = executionKey(taskId, mapIndex);
      launched.add(key);
      // What the task reported at its end is newer than what was fetched while it ran.
      const told = reports.of(taskId, mapIndex).execution?.steps ?? fetched.get(key) ?? [];
      executions.push(buildExecution(taskId, mapIndex, report, byTask, reports, told));
    }
  }
  const unlaunched = instances
    .filter(({ operator }) => operator === LAUNCH || operator === WHOLE_EXECUTION)
    .filter(({ taskId, mapIndex }) => !launched.has(executionKey(taskId, mapIndex)))
    .map(({ taskId, mapIndex, state }) => ({ taskId, mapIndex, state, status: stepStatus(state, null) }));
  executions.sort((one, other) => (one.start ?? 0) - (other.start ?? 0) || one.taskId.localeCompare(other.taskId));
  return { executions, unlaunched };
};

export const executionKey = (taskId: string, mapIndex: number): string => `${taskId}[${mapIndex}]`;

const buildExecution = (
  taskId: string,
  mapIndex: number,
  report: PipelineReport,
  byTask: ReadonlyMap<string, TaskInstance[]>,
  reports: RunReports,
  fetched: ToldStep[],
): Execution => {
  const launch = byTask.get(taskId)?.find((instance) => instance.mapIndex === mapIndex);
  const isWhole = launch?.operator === WHOLE_EXECUTION || !report.steps.some((step) => step.taskId !== null);
  const unmentioned: Status = launch?.state === "success" ? "Skipped" : "Unknown";
  const own = report.steps.map((step) => buildStep(step, byTask, reports, fetched, unmentioned));
  const steps = isWhole ? own : own.map((step) => withBody(step, own));
  const runs = steps.flatMap((step) => step.runs);
  const starts = runs.flatMap((run) => run.start ?? []);
  const ends = runs.flatMap((run) => run.end ?? []);
  const isUnderWay = runs.some((run) => run.status === "Executing" || run.status === "Retrying");
  return {
    taskId,
    mapIndex,
    report,
    isWhole,
    isReported: reports.of(taskId, mapIndex).execution !== null,
    status: isWhole && launch !== undefined ? stepStatus(launch.state, null) : together(steps.map((one) => one.status)),
    start: starts.length > 0 ? Math.min(...starts) : (launch?.start ?? null),
    end: isUnderWay ? null : ends.length > 0 ? Math.max(...ends) : isWhole ? (launch?.end ?? null) : null,
    steps,
  };
};

const buildStep = (
  step: ReportedStep,
  byTask: ReadonlyMap<string, TaskInstance[]>,
  reports: RunReports,
  fetched: ToldStep[],
  unmentioned: Status,
): Step => {
  const { taskId } = step;
  const instances = taskId === null ? [] : (byTask.get(taskId) ?? []);
  const isStack = step.inEach !== null;
  const indexes = new Set(instances.map((instance) => instance.mapIndex));
  if (taskId !== null) for (const index of reports.mapIndexes(taskId)) indexes.add(index);
  // Airflow keeps the unmapped instance of a mapped task until it is expanded.
  if (indexes.size > 1) indexes.delete(-1);
  const told = taskId === null ? fetched.filter((one) => one.name === step.name) : [];
  const runs =
    taskId === null
      ? told.map(fetchedRun)
      : [...indexes]
          .sort((one, other) => one - other)
          .map((mapIndex): StepRun => {
            const instance = instances.find((one) => one.mapIndex === mapIndex);
            const { step: report, propertyFiles } = reports.of(taskId, mapIndex);
            const status = stepStatus(instance === undefined ? undefined : instance.state, report?.status ?? null);
            const isDone = status !== "Executing" && status !== "Retrying" && status !== "Waiting";
            const current = isDone ? report : null;
            const hasRun = status !== "Skipped" && status !== "Not reached" && status !== "Waiting";
            return {
              mapIndex,
              label: instance?.label ?? null,
              status,
              state: instance?.state ?? null,
              start: hasRun ? (current?.start ?? instance?.start ?? null) : null,
              end: hasRun && isDone ? (current?.end ?? instance?.end ?? null) : null,
              tryNumber: instance?.tryNumber ?? null,
              report: current,
              propertyFiles: isDone ? propertyFiles : {},
            };
          });
  // The service lists only the steps that it has begun.
  const isUnmentioned = taskId === null && fetched.length > 0 && told.length === 0;
  const status = isUnmentioned ? unmentioned : together(runs.map((run) => run.status));
  const outcome = taskId === null ? fetchedOutcome(told[0]) : reports.of(taskId).outcome;
  const decided = status === "Succeeded" ? outcome : null;
  const { conditions, ...named } = step;
  return {
    ...named,
    isStack,
    status,
    runs,
    comparisons: showComparisons(decided, conditions),
    holds: decided?.holds ?? null,
    stated: conditions,
  };
};

/** A ForEach that no task follows is as its body is. */
const withBody = (step: Step, steps: Step[]): Step => {
  const body = steps.filter((one) => one.inEach === step.name);
  if (step.taskId !== null || body.length === 0) return step;
  const runs = body.flatMap((one) => one.runs);
  const status = together(body.map((one) => one.status));
  const starts = runs.flatMap((run) => run.start ?? []);
  const ends = runs.flatMap((run) => run.end ?? []);
  const start = starts.length > 0 ? Math.min(...starts) : null;
  const end = runs.some(isUnderWay) || ends.length === 0 ? null : Math.max(...ends);
  return { ...step, status, runs: [{ ...NO_RUN, status, start, end }] };
};

const NO_RUN: StepRun = {
  mapIndex: -1,
  label: null,
  status: "Unknown",
  state: null,
  start: null,
  end: null,
  tryNumber: null,
  report: null,
  propertyFiles: {},
};

const fetchedRun = (step: ToldStep): StepRun => ({
  mapIndex: -1,
  label: null,
  status: ofStatus(step.status),
  state: null,
  start: step.start,
  end: step.end,
  tryNumber: null,
  propertyFiles: {},
  report: {
    status: step.status,
    jobArn: null,
    outputs: {},
    start: step.start,
    end: step.end,
    attempt: step.attempt,
    cache: step.cacheSource === null ? null : { hit: true, sourceExecution: step.cacheSource, miss: null },
    instance: null,
    reason: step.reason,
    job: null,
    modelPackage: null,
    request: null,
    links: {},
    leftOut: [],
  },
});

const fetchedOutcome = (step: ToldStep | undefined): Outcome | null =>
  step === undefined || step.outcome === null ? null : { holds: step.outcome, comparisons: [] };

/** A decided condition with the values that it compared; one that is not, as it is stated. */
export const showComparisons = (outcome: Outcome | null, stated: StatedCondition[]): ShownComparison[] => {
  if (outcome !== null && outcome.comparisons.length > 0) {
    return outcome.comparisons.map((comparison) => ({
      text: shownComparison(comparison),
      title: comparison.text,
      holds: comparison.holds,
    }));
  }
  return stated.map((condition) => ({
    text:
      condition.metric !== null && condition.value !== null
        ? `${lastPart(condition.metric)} ${sign(condition.operator)} ${formatValue(condition.value)}`
        : condition.text,
    title: condition.text,
    holds: null,
  }));
};

const shownComparison = ({ text: whole, operands, operator }: Comparison): string => {
  if (operands.length !== 2 || operator === null) return whole;
  const [left = "", right = ""] = operands.map(({ name, value }) =>
    name === null ? formatValue(value) : `${lastPart(name)} ${formatValue(value)}`,
  );
  return `${left} ${sign(operator)} ${right}`;
};

/** How many runs of a step have which status, such as 2 of 3 succeeded. */
export const countRuns = (step: Step): { succeeded: number; failed: number; total: number } => ({
  succeeded: step.runs.filter((run) => run.status === "Succeeded").length,
  failed: step.runs.filter((run) => run.status === "Failed" || run.status === "Stopped").length,
  total: step.runs.length,
});

/** From the first start of a step's runs to the last end; to `now` while one runs. */
export const stepDuration = (step: Pick<Step, "runs">, now: number): number | null => {
  const started = step.runs.filter((run) => run.start !== null);
  if (started.length === 0) return null;
  const ends = started.map((run) => run.end ?? (isUnderWay(run) ? now : (run.start ?? now)));
  return Math.max(...ends) - Math.min(...started.map((run) => run.start ?? now));
};

export const isUnderWay = (run: Pick<StepRun, "status">): boolean =>
  run.status === "Executing" || run.status === "Retrying";

/** The steps to show open: what failed, with the run that did. A ForEach that no task follows fails with its items. */
export const failures = (execution: Execution): { step: Step; run: StepRun }[] =>
  execution.steps.flatMap((step) =>
    step.runs
      .filter((run) => run.status === "Failed" || run.status === "Stopped")
      .filter((run) => step.taskId !== null || run.report !== null)
      .map((run) => ({ step, run })),
  );

/** What Airflow is asked to clear for a repair: failed tasks, and failed items of mapped ones. */
export const repairs = (execution: Execution): (string | [string, number])[] =>
  execution.isWhole
    ? execution.status === "Failed" || execution.status === "Stopped"
      ? [execution.mapIndex < 0 ? execution.taskId : [execution.taskId, execution.mapIndex]]
      : []
    : failures(execution).flatMap(({ step, run }): (string | [string, number])[] =>
        // An execution that a Fail step has ended cannot be resumed.
        step.taskId === null || step.type === "Fail"
          ? []
          : [run.mapIndex < 0 ? step.taskId : [step.taskId, run.mapIndex]],
      );
