import { useCallback, useEffect, useState } from "react";
import { isOver, type TaskInstance } from "../model/airflow";
import { RunReports } from "../model/reports";
import { ApiError, fetchReports, fetchTaskInstance, type TaskKey } from "./api";
import { POLL_MILLISECONDS } from "./useRun";

export interface StepData {
  instance: TaskInstance | null;
  reports: RunReports;
}

/** One task instance and what its run reported, read again until the task is over. */
export const useStep = ({
  dagId,
  runId,
  taskId,
  mapIndex,
}: TaskKey): { data: StepData | null; error: string | null; refresh: () => void } => {
  const [data, setData] = useState<StepData | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round reads everything again.
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let state: string | null | undefined;
    let reports = new RunReports([]);
    const follow = async (): Promise<void> => {
      try {
        const instance = await fetchTaskInstance(dagId, runId, taskId, mapIndex, signal);
        const now = instance?.state ?? null;
        if (now !== state) {
          reports = new RunReports(await fetchReports(dagId, [runId], signal));
          state = now;
        }
        if (signal.aborted) return;
        setData({ instance, reports });
        setError(null);
        if (isOver(now)) return;
      } catch (caught) {
        if (signal.aborted) return;
        setError(caught instanceof Error ? caught.message : String(caught));
        const status = caught instanceof ApiError ? caught.status : null;
        if (status === 401 || status === 403 || status === 404) return;
      }
      timer = setTimeout(() => void follow(), POLL_MILLISECONDS);
    };
    void follow();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [dagId, runId, taskId, mapIndex, round]);

  const refresh = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, refresh };
};
