import { useCallback, useEffect, useState } from "react";
import { type DagRun, fingerprint, isAtWork, isOver, type TaskInstance } from "../model/airflow";
import { NO_PRICES, type Prices } from "../model/costs";
import { RunReports } from "../model/reports";
import { ApiError, fetchPrices, fetchReports, fetchRun, fetchTaskInstances } from "./api";

export interface RunData {
  run: DagRun | null;
  instances: TaskInstance[];
  reports: RunReports;
  prices: Prices;
  /** When it was read. */
  at: number;
}

export const POLL_MILLISECONDS = 4000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Waits; ends at once when aborted. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Waits until the page is seen, so that tabs in the background ask nothing. */
const untilVisible = (signal: AbortSignal): Promise<void> =>
  document.visibilityState !== "hidden"
    ? Promise.resolve()
    : new Promise((resolve) => {
        document.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
        signal.addEventListener("abort", () => resolve());
      });

/**
 * The data of one run, read again every few seconds until the run is over.
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
    const follow = async (): Promise<void> => {
      let seen: string | null = null;
      let reports = new RunReports([]);
      let prices: Prices | null = null;
      while (!signal.aborted) {
        try {
          const [run, instances] = await Promise.all([
            fetchRun(dagId, runId, signal),
            fetchTaskInstances(dagId, runId, signal),
          ]);
          const now = fingerprint(instances);
          if (now !== seen) {
            reports = new RunReports(await fetchReports(dagId, [runId], signal));
            seen = now;
          }
          prices ??= await fetchPrices(dagId, signal).catch(() => (signal.aborted ? null : NO_PRICES));
          if (signal.aborted) return;
          setData({ run, instances, reports, prices: prices ?? NO_PRICES, at: Date.now() });
          setError(null);
          // A run that somebody marked as failed is over before its tasks have stopped.
          if (isOver(run?.state ?? null) && !instances.some(isAtWork)) return;
        } catch (caught) {
          if (signal.aborted) return;
          setError(messageOf(caught));
          const status = caught instanceof ApiError ? caught.status : null;
          if (status === 401 || status === 403 || status === 404) return;
        }
        await pause(POLL_MILLISECONDS, signal);
        await untilVisible(signal);
      }
    };
    void follow();
    return () => controller.abort();
  }, [dagId, runId, round]);

  const refresh = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, refresh };
};
