import { describe, expect, test } from "vitest";
import { readTaskInstances } from "../../src/model/airflow";
import {
  buildRun,
  countRuns,
  executionKey,
  failures,
  repairs,
  showComparisons,
  stepDuration,
} from "../../src/model/execution";
import { RunReports, readEntries, readExecution, readOutcome } from "../../src/model/reports";
import { mockEachRun, mockPlainRun, mockRun, mockUnlaunchedRun, mockWholeRun, outcomeOf } from "../mock";
import { executionOf, stepOf, viewOf } from "./helpers";

const statuses = (run: ReturnType<typeof mockRun>) =>
  Object.fromEntries(executionOf(run).steps.map((step) => [step.name, step.status]));

describe("the status of steps", () => {
  test("a run that succeeded has its steps succeeded and the branch not taken skipped", () => {
    expect(statuses(mockRun(0))).toEqual({
      Prepare: "Succeeded",
      Train: "Succeeded",
      Baseline: "Succeeded",
      Evaluate: "Succeeded",
      GoodEnough: "Succeeded",
      Register: "Succeeded",
      Score: "Succeeded",
      TooBad: "Skipped",
    });
    expect(executionOf(mockRun(0)).status).toBe("Succeeded");
  });

  test("a failed step has what is behind it not reached, and the execution failed", () => {
    const run = mockRun(0, { state: "failed", failing: "Evaluate" });
    expect(statuses(run)).toEqual({
      Prepare: "Succeeded",
      Train: "Succeeded",
      Baseline: "Succeeded",
      Evaluate: "Failed",
      GoodEnough: "Not reached",
      Register: "Not reached",
      Score: "Not reached",
      TooBad: "Not reached",
    });
    expect(executionOf(run).status).toBe("Failed");
  });

  test("a deferred task is a step that executes, and it has no end", () => {
    const execution = executionOf(mockRun(0, { state: "running", reached: 3 }));
    expect(execution.status).toBe("Executing");
    expect(execution.end).toBeNull();
    const [run] = stepOf(execution, "Evaluate").runs;
    expect([run?.status, run?.state, run?.end]).toEqual(["Executing", "deferred", null]);
    expect(stepOf(execution, "GoodEnough").status).toBe("Waiting");
  });

  test("the report of an earlier try does not count while the task runs again", () => {
    const run = mockRun(0, { state: "failed", failing: "Train" });
    const again = {
      ...run,
      instances: run.instances.map((one) =>
        one.task_id === "pipe.train" ? { ...one, state: "deferred", end_date: null, try_number: 2 } : one,
      ),
    };
    const [train] = stepOf(executionOf(again), "Train").runs;
    expect([train?.status, train?.report, train?.end, train?.tryNumber]).toEqual(["Executing", null, null, 2]);
    expect(failures(executionOf(again))).toEqual([]);
  });

  test("a run of which no report is left but the launch's shows the tasks' own times", () => {
    const run = mockRun(0);
    const bare = { ...run, entries: run.entries.filter((entry) => entry.key === "pipeline_report") };
    const [train] = stepOf(executionOf(bare), "Train").runs;
    expect([train?.status, train?.start, train?.end]).toEqual([
      "Succeeded",
      Date.parse("2026-11-27T09:02:20Z"),
      Date.parse("2026-11-27T09:07:20Z"),
    ]);
  });
});

describe("a ForEach", () => {
  test("its body is a stack of one run an item, counted", () => {
    const fit = stepOf(executionOf(mockEachRun(5)), "Fit");
    expect(fit.isStack).toBe(true);
    expect(fit.runs.map((run) => [run.mapIndex, run.label, run.status])).toEqual([
      [0, "region-0", "Succeeded"],
      [1, "region-1", "Succeeded"],
      [2, "region-2", "Succeeded"],
      [3, "region-3", "Failed"],
      [4, "region-4", "Succeeded"],
    ]);
    expect(countRuns(fit)).toEqual({ succeeded: 4, failed: 1, total: 5 });
    expect(stepDuration(fit, 0)).toBe(230_000);
  });

  test("the unmapped task instance that stands until it is expanded is not an item", () => {
    const run = mockEachRun(2);
    const unmapped = run.instances.find((one) => one.task_id === "pipe.fit");
    const both = { ...run, instances: [...run.instances, { ...unmapped, map_index: -1 } as (typeof run.instances)[0]] };
    expect(stepOf(executionOf(both), "Fit").runs.map((one) => one.mapIndex)).toEqual([0, 1]);
  });
});

describe("comparisons", () => {
  test("a decided condition shows the values that it compared", () => {
    expect(showComparisons(readOutcome(outcomeOf(0.956)), [])).toEqual([
      { text: "accuracy 0.956 ≥ 0.9", title: "evaluate.metrics.accuracy (0.956) >= 0.9", holds: true },
    ]);
  });

  test("one that is not decided shows how it is stated", () => {
    expect(
      showComparisons(null, [
        { text: "evaluate.metrics.accuracy >= 0.9", metric: "evaluate.metrics.accuracy", operator: ">=", value: 0.9 },
        { text: "a parameter is in [1, 2]", metric: null, operator: null, value: null },
      ]),
    ).toEqual([
      { text: "accuracy ≥ 0.9", title: "evaluate.metrics.accuracy >= 0.9", holds: null },
      { text: "a parameter is in [1, 2]", title: "a parameter is in [1, 2]", holds: null },
    ]);
  });

  test("one with other operands is shown as its own text", () => {
    const outcome = readOutcome({ holds: false, comparisons: [{ comparison: "x in [1, 2]", holds: false }] });
    expect(showComparisons(outcome, [])).toEqual([{ text: "x in [1, 2]", title: "x in [1, 2]", holds: false }]);
  });
});

describe("a run without an execution", () => {
  test("a pipeline that is not launched is told with the status of its task", () => {
    expect(viewOf(mockUnlaunchedRun())).toEqual({
      executions: [],
      unlaunched: [{ taskId: "pipe.launch", mapIndex: -1, state: "queued", status: "Waiting" }],
    });
  });

  test("a Dag without a pipeline has neither", () => {
    expect(viewOf(mockPlainRun())).toEqual({ executions: [], unlaunched: [] });
  });
});

describe("a task that runs a whole execution", () => {
  test("its steps are unknown until the service is asked; then those it does not list were skipped", () => {
    const run = mockWholeRun();
    const instances = readTaskInstances({ task_instances: run.instances });
    const reports = new RunReports(readEntries({ reports: run.entries }));
    const before = buildRun(instances, reports).executions[0];
    expect([before?.isWhole, before?.status, before?.steps.map((step) => step.status)]).toEqual([
      true,
      "Succeeded",
      Array(8).fill("Unknown"),
    ]);
    const { steps } = readExecution({
      status: "Succeeded",
      steps: [
        { name: "GoodEnough", status: "Succeeded", outcome: true, start: null },
        { name: "Train", status: "Failed", reason: "out of memory", attempt: 1 },
        { status: "has no name" },
      ],
    });
    const after = buildRun(instances, reports, new Map([[executionKey("run_pipeline", -1), steps]])).executions[0];
    expect(after?.steps.map((step) => [step.name, step.status, step.holds])).toEqual([
      ["Prepare", "Skipped", null],
      ["Train", "Failed", null],
      ["Baseline", "Skipped", null],
      ["Evaluate", "Skipped", null],
      ["GoodEnough", "Succeeded", true],
      ["Register", "Skipped", null],
      ["Score", "Skipped", null],
      ["TooBad", "Skipped", null],
    ]);
    expect([before?.isReported, after?.isReported]).toEqual([false, false]);
  });

  test("what it reports at its end is newer than what was fetched while it ran", () => {
    const run = mockWholeRun();
    const told = (status: string) => ({ status, steps: [{ name: "Train", status, start: null }] });
    const entry = { run_id: run.dag_run_id, task_id: "run_pipeline", map_index: -1, key: "execution_report" };
    const reports = new RunReports(readEntries({ reports: [...run.entries, { ...entry, value: told("Succeeded") }] }));
    const fetched = new Map([[executionKey("run_pipeline", -1), readExecution(told("Executing")).steps]]);
    const execution = buildRun(readTaskInstances({ task_instances: run.instances }), reports, fetched).executions[0];
    const train = execution?.steps.find((step) => step.name === "Train");
    expect([execution?.isReported, train?.status]).toEqual([true, "Succeeded"]);
  });
});

describe("a repair", () => {
  test("names the failed tasks, and only the failed items of a mapped one", () => {
    expect(repairs(executionOf(mockRun(0, { state: "failed", failing: "Train" })))).toEqual(["pipe.train"]);
    expect(repairs(executionOf(mockEachRun(5)))).toEqual([["pipe.fit", 3]]);
    expect(repairs(executionOf(mockRun(0)))).toEqual([]);
  });
});
