import { useCallback, useEffect, useState } from "react";
import { isOver, type TaskInstance } from "../model/airflow";
import { RunReports } from "../model/reports";
import { fetchReports, fetchTaskInstance, type TaskKey } from "./api";
import { follow } from "./waiting";

export interface StepData {
  instance: TaskInstance | null;
  reports: RunReports;
}

/** One task instance and what its run reported, read again as it changes. */
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
    let seen: string | null = null;
    let reports = new RunReports([]);
    const read = async (): Promise<{ isOver: boolean }> => {
      const instance = await fetchTaskInstance(dagId, runId, taskId, mapIndex, signal);
      const now = JSON.stringify([instance?.state, instance?.tryNumber, instance?.end]);
      if (now !== seen) {
        reports = new RunReports(await fetchReports(dagId, [runId], signal));
        seen = now;
        signal.throwIfAborted();
        setData({ instance, reports });
      }
      setError(null);
      return { isOver: isOver(instance?.state ?? null) };
    };
    void follow(read, setError, signal);
    return () => controller.abort();
  }, [dagId, runId, taskId, mapIndex, round]);

  const refresh = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, refresh };
};
