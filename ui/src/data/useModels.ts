import { useCallback, useEffect, useState } from "react";
import { buildRow, type RunRow } from "../model/models";
import { byRun, RunReports } from "../model/reports";
import { fetchReports, fetchRuns } from "./api";

/** How many of the newest runs are read. */
export const MOST_RUNS = 1000;

export interface ModelsData {
  rows: RunRow[];
  /** How many runs the Dag has. */
  total: number;
  isComplete: boolean;
}

/** The runs of a Dag: the newest at once, the others in the background, one page at a time. */
export const useModels = (dagId: string): { data: ModelsData | null; error: string | null; refresh: () => void } => {
  const [data, setData] = useState<ModelsData | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round reads everything again.
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const load = async (): Promise<void> => {
      const rows = new Map<string, RunRow>();
      let read = 0;
      for (;;) {
        const { runs, total } = await fetchRuns(dagId, read, signal);
        // Airflow may give fewer than it is asked for ([api] maximum_page_limit).
        read += runs.length;
        const ids = runs.map((run) => run.runId);
        const reports = byRun(await fetchReports(dagId, ids, signal));
        // A run that began meanwhile moves the pages: one that was read already stays.
        for (const run of runs) {
          if (!rows.has(run.runId)) rows.set(run.runId, buildRow(run, reports.get(run.runId) ?? new RunReports([])));
        }
        const isComplete = runs.length === 0 || read >= Math.min(total, MOST_RUNS);
        setData({ rows: [...rows.values()], total, isComplete });
        if (isComplete) break;
      }
      setError(null);
    };
    load().catch((caught: unknown) => {
      if (!signal.aborted) setError(caught instanceof Error ? caught.message : String(caught));
    });
    return () => controller.abort();
  }, [dagId, round]);

  const refresh = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, refresh };
};
