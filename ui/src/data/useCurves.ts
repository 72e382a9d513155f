import { useEffect, useState } from "react";
import type { Curve, Line, MetricDefinition } from "../model/logs";
import CurvesWorker from "./curves.worker?worker&inline";

/** How long the regular expressions of a job may take, in milliseconds. */
export const PATIENCE = 3000;

/** The curves of a log; `"slow"` where the job's regular expressions take too long; null until they are found. */
export const useCurves = (lines: Line[] | null, definitions: MetricDefinition[]): Curve[] | "slow" | null => {
  const [curves, setCurves] = useState<Curve[] | "slow" | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the definitions of a task do not change; their list is a new one at each drawing.
  useEffect(() => {
    setCurves(null);
    if (lines === null || definitions.length === 0) return;
    const worker = new CurvesWorker();
    const timer = setTimeout(() => end("slow"), PATIENCE);
    const end = (found: Curve[] | "slow"): void => {
      clearTimeout(timer);
      worker.terminate();
      setCurves(found);
    };
    worker.addEventListener("message", ({ data }: MessageEvent<Curve[]>) => end(data));
    worker.postMessage({ lines, definitions });
    return () => {
      clearTimeout(timer);
      worker.terminate();
    };
  }, [lines]);

  return curves;
};
