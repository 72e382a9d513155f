/** Everything that is fetched, from Airflow's REST API and the plugin's routes, with the user's own session. */

import {
  type DagRun,
  readRun,
  readRuns,
  readTaskInstance,
  readTaskInstances,
  readTotal,
  type TaskInstance,
} from "../model/airflow";
import { type Prices, readPrices } from "../model/costs";
import { type Line, readLog } from "../model/logs";
import { object, text } from "../model/reading";
import { type Entry, readEntries, readExecution, type ToldExecution } from "../model/reports";

/** What went wrong, in one sentence for the user. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number | null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** How many runs the reports route takes at once, and Dag runs are listed at once. */
export const RUNS_AT_ONCE = 50;
const INSTANCES_AT_ONCE = 100;
/** In characters: proxies refuse a request whose first line is longer than 8 KB (nginx by default). */
const LONGEST_QUERY = 6000;

/** Airflow's own address, with its path where it is served below one. */
const base = (): string => document.querySelector("base")?.href ?? `${globalThis.location.origin}/`;

const part = encodeURIComponent;

const dagPath = (dagId: string): string => `api/v2/dags/${part(dagId)}`;
const ours = (dagId: string): string => `sagemaker-pipelines/dags/${part(dagId)}`;
const ofTask = (dagId: string, runId: string, taskId: string, mapIndex: number): string =>
  `${ours(dagId)}/runs/${part(runId)}/tasks/${part(taskId)}/${mapIndex}`;

const explain = (status: number, detail: string | null): string => {
  if (status === 401) return "Your session has ended: log in to Airflow again.";
  if (status === 403) return "Your Airflow role does not allow this for this Dag.";
  if (detail !== null) return detail;
  return status === 404 ? "Airflow does not know this." : `Airflow answered with the error ${status}.`;
};

const ask = async (path: string, init: RequestInit): Promise<unknown> => {
  let response: Response;
  try {
    response = await fetch(new URL(path, base()), {
      credentials: "same-origin",
      ...init,
      headers: { Accept: "application/json", ...(init.body ? { "Content-Type": "application/json" } : {}) },
    });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError("Airflow cannot be reached.", null);
  }
  const answer: unknown = await response.json().catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    return null;
  });
  if (!response.ok) throw new ApiError(explain(response.status, text(object(answer)?.detail)), response.status);
  return answer;
};

const get = (path: string, signal?: AbortSignal): Promise<unknown> => ask(path, { signal: signal ?? null });

export const fetchRun = async (dagId: string, runId: string, signal?: AbortSignal): Promise<DagRun | null> =>
  readRun(await get(`${dagPath(dagId)}/dagRuns/${part(runId)}`, signal));

/** One page of the Dag's runs, the newest first. */
export const fetchRuns = async (
  dagId: string,
  offset: number,
  signal?: AbortSignal,
): Promise<{ runs: DagRun[]; total: number }> => {
  const answer = await get(
    `${dagPath(dagId)}/dagRuns?limit=${RUNS_AT_ONCE}&offset=${offset}&order_by=-run_after`,
    signal,
  );
  return { runs: readRuns(answer), total: readTotal(answer) };
};

/** All task instances of a run. */
export const fetchTaskInstances = async (
  dagId: string,
  runId: string,
  signal?: AbortSignal,
): Promise<TaskInstance[]> => {
  const found: TaskInstance[] = [];
  for (;;) {
    const path = `${dagPath(dagId)}/dagRuns/${part(runId)}/taskInstances`;
    const answer = await get(`${path}?limit=${INSTANCES_AT_ONCE}&offset=${found.length}`, signal);
    const page = readTaskInstances(answer);
    found.push(...page);
    if (page.length === 0 || found.length >= readTotal(answer)) return found;
  }
};

export const fetchTaskInstance = async (
  dagId: string,
  runId: string,
  taskId: string,
  mapIndex: number,
  signal?: AbortSignal,
): Promise<TaskInstance | null> => {
  const path = `${dagPath(dagId)}/dagRuns/${part(runId)}/taskInstances/${part(taskId)}`;
  return readTaskInstance(await get(mapIndex < 0 ? path : `${path}/${mapIndex}`, signal));
};

/** The reports of at most {@link RUNS_AT_ONCE} runs, in one request unless the runs' ids are long. */
export const fetchReports = async (dagId: string, runIds: string[], signal?: AbortSignal): Promise<Entry[]> => {
  const pages = await Promise.all(
    queries(runIds).map((query) => get(`${ours(dagId)}/reports?${query}`, signal).then(readEntries)),
  );
  return pages.flat();
};

const queries = (runIds: string[]): string[] => {
  const found: string[] = [];
  for (const runId of runIds) {
    const asked = new URLSearchParams({ run_id: runId }).toString();
    const longer = `${found.at(-1)}&${asked}`;
    if (found.length > 0 && longer.length <= LONGEST_QUERY) found[found.length - 1] = longer;
    else found.push(asked);
  }
  return found;
};

export const fetchPrices = async (dagId: string, signal?: AbortSignal): Promise<Prices> =>
  readPrices(await get(`${ours(dagId)}/prices`, signal));

export interface TaskKey {
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
}

const pathOf = ({ dagId, runId, taskId, mapIndex }: TaskKey): string => ofTask(dagId, runId, taskId, mapIndex);

/** The end of a job's log, which AWS is asked for. */
export const fetchLog = async (task: TaskKey, lines: number, signal?: AbortSignal): Promise<Line[]> =>
  readLog(await get(`${pathOf(task)}/log?lines=${lines}`, signal));

/** The approval status as the model registry has it now, which AWS is asked for. */
export const fetchApproval = async (task: TaskKey, signal?: AbortSignal): Promise<string | null> =>
  text(object(object(await get(`${pathOf(task)}/model-package`, signal))?.model_package)?.approval_status);

/** The steps as the service has them now, which AWS is asked for. */
export const fetchSteps = async (task: TaskKey, signal?: AbortSignal): Promise<ToldExecution> =>
  readExecution(await get(`${pathOf(task)}/steps`, signal));

/** Clears tasks and what is behind them, so that they run again. */
export const clearTasks = async (dagId: string, runId: string, tasks: (string | [string, number])[]): Promise<void> => {
  await ask(`${dagPath(dagId)}/clearTaskInstances`, {
    method: "POST",
    body: JSON.stringify({
      dag_run_id: runId,
      task_ids: tasks,
      include_downstream: true,
      only_failed: false,
      reset_dag_runs: true,
      dry_run: false,
    }),
  });
};

/** Marks a run as failed, which stops its executions through its tasks. */
export const failRun = async (dagId: string, runId: string): Promise<void> => {
  await ask(`${dagPath(dagId)}/dagRuns/${part(runId)}`, {
    method: "PATCH",
    body: JSON.stringify({ state: "failed" }),
  });
};
