import { describe, expect, test } from "vitest";
import { buildTimeline, criticalPath, phaseKind } from "../../src/model/timeline";
import { mockEachRun, mockRun, mockUnlaunchedRun } from "../mock";
import { executionOf, viewOf } from "./helpers";

const START = Date.parse("2026-11-27T09:00:00Z");
const NOW = START + 1_000_000;
const seconds = (at: number | null) => (at === null ? null : (at - START) / 1000);

describe("the timeline", () => {
  test("has one lane a run, in the order of their starts, each with what it waited", () => {
    const timeline = buildTimeline(executionOf(mockRun(0)), NOW);
    expect(
      timeline?.lanes.map((lane) => [lane.label, seconds(lane.waitFrom), seconds(lane.start), seconds(lane.end)]),
    ).toEqual([
      ["Prepare", null, 12, 15],
      ["Baseline", 15, 138, 260],
      ["Train", 15, 140, 440],
      ["Evaluate", 440, 452, 540],
      ["GoodEnough", 540, 541, 543],
      ["Register", 543, 545, 552],
      ["Score", 552, 555, 755],
    ]);
    expect([seconds(timeline?.start ?? null), seconds(timeline?.end ?? null)]).toEqual([12, 755]);
  });

  test("shows the phases that the service told, and the start before them", () => {
    const lanes = buildTimeline(executionOf(mockRun(0)), NOW)?.lanes ?? [];
    const segments = (label: string) =>
      lanes
        .find((lane) => lane.label === label)
        ?.segments.map((segment) => [segment.kind, seconds(segment.start), seconds(segment.end)]);
    expect(segments("Train")).toEqual([
      ["starting", 140, 148],
      ["starting", 148, 180],
      ["downloading", 180, 202],
      ["running", 202, 420],
      ["uploading", 420, 440],
    ]);
    expect(segments("Baseline")).toEqual([
      ["starting", 138, 146],
      ["running", 146, 260],
    ]);
    expect(segments("Prepare")).toEqual([["running", 12, 15]]);
  });

  test("what runs ends now", () => {
    const lane = buildTimeline(executionOf(mockRun(0, { state: "running", reached: 3 })), NOW)?.lanes.at(-1);
    expect([lane?.label, lane?.end]).toEqual(["Evaluate", NOW]);
  });

  test("nothing that started is no timeline", () => {
    const run = { ...mockUnlaunchedRun(), entries: mockRun(0).entries.slice(0, 1) };
    const [execution] = viewOf(run).executions;
    expect(execution && buildTimeline(execution, NOW)).toBeNull();
  });

  test("the service's secondary statuses group into few kinds", () => {
    const names = ["Starting", "LaunchingMLInstances", "PreparingTrainingStack", "DownloadingTrainingImage"];
    expect([...names, "Training", "Uploading", "Interrupted", "Pending", "Odd"].map(phaseKind)).toEqual([
      "starting",
      "starting",
      "starting",
      "downloading",
      "running",
      "uploading",
      "interrupted",
      "starting",
      "other",
    ]);
  });
});

describe("the critical path", () => {
  test("goes back from the last run to end along what each waited for longest", () => {
    expect([...criticalPath(executionOf(mockRun(0)).steps, NOW)]).toEqual([
      "Score#-1",
      "Register#-1",
      "GoodEnough#-1",
      "Evaluate#-1",
      "Train#-1",
      "Prepare#-1",
    ]);
  });

  test("stays with one item within a ForEach, and does not count the ForEach itself", () => {
    expect([...criticalPath(executionOf(mockEachRun(3)).steps, NOW)]).toEqual([
      "Choose#-1",
      "Check#2",
      "Fit#2",
      "Prepare#-1",
    ]);
  });

  test("passes over a step that was skipped to what stands before it", () => {
    const execution = executionOf(mockRun(0));
    const steps = execution.steps.map((step) => (step.name === "Train" ? { ...step, runs: [] } : step));
    expect([...criticalPath(steps, NOW)]).toContain("Prepare#-1");
  });

  test("ends in a circle of steps too", () => {
    const execution = executionOf(mockRun(0));
    const steps = execution.steps.map((step) => (step.name === "Prepare" ? { ...step, dependsOn: ["Score"] } : step));
    expect(criticalPath(steps, NOW).size).toBeGreaterThan(0);
  });
});
