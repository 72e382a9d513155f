import { useCallback, useEffect, useState } from "react";
import { type DagRun, fingerprint, isAtWork, isOver, type TaskInstance } from "../model/airflow";
import { NO_PRICES, type Prices } from "../model/costs";
import { RunReports } from "../model/reports";
import { fetchPrices, fetchReports, fetchRun, fetchTaskInstances } from "./api";
import { follow, messageOf } from "./waiting";

export interface RunData {
  run: DagRun | null;
  instances: TaskInstance[];
  reports: RunReports;
  prices: Prices;
  /** Why there are no prices, where that is not as the deployment wants it. */
  pricesProblem: string | null;
  /** When it was read. */
  at: number;
}

/**
 * The data of one run, read again every few seconds until the run is over, and again when somebody clears it.
 *
 * The reports are read again only when the state of a task has changed, as tasks push them when they end.
 */
export const useRun = (
  dagId: string,
  runId: string,
): { data: RunData | null; error: string | null; refresh: () => void } => {
  const [data, setData] = useState<RunData | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round reads everything again.
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let seen: string | null = null;
    let reports = new RunReports([]);
    let prices: Prices | null = null;
    let pricesProblem: string | null = null;
    /** The run as it was when it was over. */
    let ended: string | null = null;
    const read = async (): Promise<{ isOver: boolean }> => {
      if (ended !== null && JSON.stringify(await fetchRun(dagId, runId, signal)) === ended) {
        setError(null);
        return { isOver: true };
      }
      ended = null;
      const [run, instances] = await Promise.all([
        fetchRun(dagId, runId, signal),
        fetchTaskInstances(dagId, runId, signal),
      ]);
      const now = fingerprint(instances);
      if (now !== seen) {
        reports = new RunReports(await fetchReports(dagId, [runId], signal));
        try {
          prices ??= await fetchPrices(dagId, signal);
          pricesProblem = null;
        } catch (caught) {
          pricesProblem = messageOf(caught);
        }
        seen = now;
      }
      signal.throwIfAborted();
      setData({ run, instances, reports, prices: prices ?? NO_PRICES, pricesProblem, at: Date.now() });
      setError(null);
      // A run that somebody marked as failed is over before its tasks have stopped.
      if (isOver(run?.state ?? null) && !instances.some(isAtWork)) ended = JSON.stringify(run);
      return { isOver: ended !== null };
    };
    void follow(read, setError, signal);
    return () => controller.abort();
  }, [dagId, runId, round]);

  const refresh = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, refresh };
};
