/** Dag runs and task instances of Airflow's public REST API. */

import { number, object, objects, text, time } from "./reading";

export interface DagRun {
  runId: string;
  state: string | null;
  runType: string | null;
  runAfter: number | null;
  start: number | null;
  end: number | null;
}

export interface TaskInstance {
  taskId: string;
  mapIndex: number;
  /** What Airflow shows for an item of a mapped task. */
  label: string | null;
  state: string | null;
  start: number | null;
  end: number | null;
  tryNumber: number | null;
  operator: string | null;
}

const OVER = new Set(["success", "failed", "skipped", "upstream_failed", "removed"]);

/** The launch task of a pipeline group, and a task that runs a whole pipeline execution. */
export const LAUNCH = "SageMakerPipelineLaunchOperator";
export const WHOLE_EXECUTION = "SageMakerPipelineOperator";

/** States of a task instance that something still works on. */
const AT_WORK = new Set(["running", "deferred", "restarting"]);

export const isAtWork = (instance: Pick<TaskInstance, "state">): boolean =>
  instance.state !== null && AT_WORK.has(instance.state);

export const isOver = (state: string | null): boolean => state !== null && OVER.has(state);

export const readRun = (value: unknown): DagRun | null => {
  const run = object(value);
  const runId = text(run?.dag_run_id);
  if (run === null || runId === null) return null;
  return {
    runId,
    state: text(run.state),
    runType: text(run.run_type),
    runAfter: time(run.run_after) ?? time(run.logical_date),
    start: time(run.start_date),
    end: time(run.end_date),
  };
};

export const readRuns = (answer: unknown): DagRun[] =>
  objects(object(answer)?.dag_runs).flatMap((run) => readRun(run) ?? []);

export const readTaskInstance = (value: unknown): TaskInstance | null => {
  const instance = object(value);
  const taskId = text(instance?.task_id);
  if (instance === null || taskId === null) return null;
  return {
    taskId,
    mapIndex: number(instance.map_index) ?? -1,
    label: text(instance.rendered_map_index),
    state: text(instance.state),
    start: time(instance.start_date),
    end: time(instance.end_date),
    tryNumber: number(instance.try_number),
    operator: text(instance.operator),
  };
};

export const readTaskInstances = (answer: unknown): TaskInstance[] =>
  objects(object(answer)?.task_instances).flatMap((instance) => readTaskInstance(instance) ?? []);

export const readTotal = (answer: unknown): number => number(object(answer)?.total_entries) ?? 0;

/** What changes when a task instance has changed: the state of each, and the try. */
export const fingerprint = (instances: TaskInstance[]): string =>
  instances
    .map(({ taskId, mapIndex, state, tryNumber }) => `${taskId}[${mapIndex}]=${state}/${tryNumber}`)
    .sort()
    .join(";");
