/** The time that AWS bills, and what it costs by the prices that the deployment configured. */

import type { Execution } from "./execution";
import { members, number, object, own, text } from "./reading";

export interface Prices {
  currency: string | null;
  /** Per hour and instance, by kind of job and instance type. */
  perHour: Record<string, Record<string, number>>;
}

export const NO_PRICES: Prices = { currency: null, perHour: {} };

export const readPrices = (answer: unknown): Prices => ({
  currency: text(object(answer)?.currency),
  perHour: members(object(answer)?.per_hour, (ofKind) => members(ofKind, number)),
});

export interface CostLine {
  step: string;
  mapIndex: number;
  kind: string;
  instanceType: string | null;
  instanceCount: number;
  /** Of all instances together. */
  seconds: number | null;
  billableSeconds: number | null;
  /** What spot instances saved, as a part of the whole; null where nothing was saved. */
  saved: number | null;
  cost: number | null;
}

export interface CostTotal {
  kind: string | null;
  seconds: number;
  billableSeconds: number;
  cost: number | null;
}

export interface Costs {
  lines: CostLine[];
  byKind: CostTotal[];
  total: CostTotal;
  saved: number | null;
  cacheHits: number;
  currency: string | null;
  hasPrices: boolean;
  /** Such as `ml.m5.xlarge (training)`: used, but without a price. The estimate leaves them out. */
  withoutPrice: string[];
}

export const buildCosts = (execution: Execution, prices: Prices): Costs => {
  const hasPrices = Object.keys(prices.perHour).length > 0;
  const withoutPrice = new Set<string>();
  const runs = execution.steps.flatMap((step) => step.runs.map((run) => ({ step, run })));
  const lines = runs.flatMap(({ step, run }): CostLine[] => {
    const report = run.report;
    const job = report?.job ?? null;
    // A cache hit ran nothing: what it reports is another execution's job.
    if (report === null || job === null || report.cache?.hit === true) return [];
    const kind = job.kind ?? "other";
    const instanceCount = report.instance?.count ?? 1;
    const seconds = job.seconds === null ? null : job.seconds * instanceCount;
    // What launches jobs of its own, as a tuning job does, is not billed itself.
    const billable = job.billableSeconds;
    const billableSeconds = billable === null ? null : billable * instanceCount;
    const type = report.instance?.type ?? null;
    const price = type === null ? null : (own(own(prices.perHour, kind) ?? {}, type) ?? null);
    if (hasPrices && price === null && type !== null) withoutPrice.add(`${type} (${kind})`);
    return [
      {
        step: step.name,
        mapIndex: run.mapIndex,
        kind,
        instanceType: type,
        instanceCount,
        seconds,
        billableSeconds,
        saved: report.request?.EnableManagedSpotTraining === true ? savedShare(seconds, billableSeconds) : null,
        cost: price === null || billableSeconds === null ? null : (billableSeconds / 3600) * price,
      },
    ];
  });
  const kinds = [...new Set(lines.map((line) => line.kind))].sort();
  const total = totalOf(null, lines);
  return {
    lines,
    byKind: kinds.map((kind) =>
      totalOf(
        kind,
        lines.filter((line) => line.kind === kind),
      ),
    ),
    total,
    saved: savedOnSpot(lines),
    cacheHits: runs.filter(({ run }) => run.report?.cache?.hit === true).length,
    currency: prices.currency,
    hasPrices,
    withoutPrice: [...withoutPrice].sort(),
  };
};

const savedShare = (seconds: number | null, billable: number | null): number | null =>
  seconds !== null && billable !== null && seconds > 0 && billable < seconds ? 1 - billable / seconds : null;

/** The share that spot instances saved of the time of the jobs that ran on them. */
const savedOnSpot = (lines: CostLine[]): number | null => {
  const onSpot = lines.filter((line) => line.saved !== null);
  const sum = (of: (line: CostLine) => number | null) => onSpot.reduce((all, line) => all + (of(line) ?? 0), 0);
  return savedShare(
    sum((line) => line.seconds),
    sum((line) => line.billableSeconds),
  );
};

const totalOf = (kind: string | null, lines: CostLine[]): CostTotal => {
  const priced = lines.filter((line) => line.cost !== null);
  return {
    kind,
    seconds: lines.reduce((sum, line) => sum + (line.seconds ?? 0), 0),
    billableSeconds: lines.reduce((sum, line) => sum + (line.billableSeconds ?? 0), 0),
    cost: priced.length === 0 ? null : priced.reduce((sum, line) => sum + (line.cost ?? 0), 0),
  };
};
