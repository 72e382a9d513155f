import { expect, test } from "vitest";
import { buildCosts, NO_PRICES, readPrices } from "../../src/model/costs";
import { mockRun, PRICES } from "../mock";
import { executionOf } from "./helpers";

const execution = executionOf(mockRun(0));

test("billable time counts all instances; what spot instances saved is a part of the whole", () => {
  const costs = buildCosts(execution, NO_PRICES);
  expect(costs.lines.find((line) => line.step === "Train")).toEqual({
    step: "Train",
    mapIndex: -1,
    kind: "training",
    instanceType: "ml.m5.2xlarge",
    instanceCount: 2,
    seconds: 584,
    billableSeconds: 240,
    saved: 1 - 240 / 584,
    cost: null,
  });
  expect(costs.total).toEqual({ kind: null, seconds: 970, billableSeconds: 626, cost: null });
  expect(costs.saved).toBe(1 - 240 / 584);
  expect([costs.hasPrices, costs.currency, costs.withoutPrice]).toEqual([false, null, []]);
});

test("the kinds of jobs are told apart, and a cache hit is not billed", () => {
  const costs = buildCosts(execution, NO_PRICES);
  expect(costs.byKind).toEqual([
    { kind: "processing", seconds: 194, billableSeconds: 194, cost: null },
    { kind: "training", seconds: 584, billableSeconds: 240, cost: null },
    { kind: "transform", seconds: 192, billableSeconds: 192, cost: null },
  ]);
  expect(costs.cacheHits).toBe(1);
  expect(costs.lines.map((line) => line.step)).toEqual(["Train", "Baseline", "Evaluate", "Score"]);
});

test("the estimate is billable time by the configured prices, and names what has none", () => {
  const costs = buildCosts(execution, readPrices(PRICES));
  const training = (240 / 3600) * 0.553;
  const processing = (114 / 3600) * 0.276 + (80 / 3600) * 0.276;
  expect(costs.byKind.map((total) => total.cost)).toEqual([expect.closeTo(processing, 10), training, null]);
  expect(costs.total.cost).toBeCloseTo(training + processing, 10);
  expect([costs.currency, costs.withoutPrice]).toEqual(["USD", ["ml.m5.large (transform)"]]);
});

test("prices that are not what they should be are left out", () => {
  expect(readPrices({ currency: 3, per_hour: { training: { a: 1, b: "2" }, odd: 4 } })).toEqual({
    currency: null,
    perHour: { training: { a: 1 }, odd: {} },
  });
  expect(readPrices(null)).toEqual(NO_PRICES);
});

test("a kind and a type that every object of JavaScript has as members have no price", () => {
  const text = JSON.stringify(mockRun(0))
    .replaceAll('"training"', '"constructor"')
    .replaceAll("ml.m5.2xlarge", "length");
  const costs = buildCosts(executionOf(JSON.parse(text)), readPrices(PRICES));
  expect(costs.lines.find((line) => line.step === "Train")?.cost).toBeNull();
  expect(costs.withoutPrice).toContain("length (constructor)");
});
