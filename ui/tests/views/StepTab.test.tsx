import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import CurvesWorker from "../../src/data/curves.worker?worker&inline";
import { PATIENCE } from "../../src/data/useCurves";
import { OVER_MILLISECONDS, POLL_MILLISECONDS } from "../../src/data/waiting";
import { StepTab } from "../../src/views/StepTab";
import { DAG, type Host, type MockRun, mockEachRun, mockPlainRun, mockRun } from "../mock";
import { seriousProblems, show } from "./host";

const open = (run: MockRun, taskId: string, { mapIndex = -1, ...host }: Partial<Host> & { mapIndex?: number } = {}) =>
  show(<StepTab task={{ dagId: DAG, runId: run.dag_run_id, taskId, mapIndex }} />, { runs: [run], ...host });

const cells = (table: HTMLElement) =>
  within(table)
    .getAllByRole("row")
    .slice(1)
    .map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("a step shows its request, inputs and outputs with links to S3, and why the cache did not help", async () => {
  open(mockRun(0), "pipe.evaluate");
  const places = await screen.findByRole("table", { name: "Inputs and outputs" });
  expect(cells(places)).toEqual([
    ["rawinput", "s3://data/raw/abalone.csv ↗"],
    ["trainoutput", "s3://models/abalone/Evaluate/train ↗"],
  ]);
  expect(within(places).getAllByRole("link")[0]?.getAttribute("href")).toBe(
    "https://s3.console.aws.amazon.com/s3/object/data?region=eu-central-1&prefix=raw%2Fabalone.csv",
  );
  expect(screen.getByText("No hit: no execution of the last 30 days had the same arguments")).toBeTruthy();
  await userEvent.click(screen.getByText("As JSON"));
  expect((await screen.findByRole("region", { name: "Request as JSON" })).textContent).toContain('"InputName": "raw"');
  expect(screen.getByText("Too large for the report, so left out: request.Environment.")).toBeTruthy();
});

test("on a local endpoint places in S3 are not links: no console shows them", async () => {
  const text = JSON.stringify(mockRun(0)).replaceAll(
    /https:\/\/eu-central-1\.console\.aws\.amazon\.com[^"]*/g,
    "http://localhost:4566/_/jobs/x1",
  );
  open(JSON.parse(text) as MockRun, "pipe.evaluate");
  const places = await screen.findByRole("table", { name: "Inputs and outputs" });
  expect(within(places).queryAllByRole("link")).toEqual([]);
});

test("property files are a table", async () => {
  open(mockRun(0), "pipe.evaluate");
  expect(cells(await screen.findByRole("table", { name: "Metrics of property files and of the job" }))).toEqual([
    ["property file metrics", "accuracy", "0.956"],
    ["property file metrics", "regression · mse · value", "3.944"],
    ["property file metrics", "regression · mse · standard_deviation", "0.2"],
    ["property file metrics", "verdict", "good"],
  ]);
});

test("the log and the curves of a training job are read when a person asks, and can be refreshed", async () => {
  const { host } = open(mockRun(0), "pipe.train");
  const button = await screen.findByRole("button", { name: "Read the log and metrics" });
  expect(host.asked.some((path) => path.includes("/log"))).toBe(false);
  await userEvent.click(button);
  expect(await screen.findByRole("img", { name: /^validation:rmse: 23 points, from 3.3 to / })).toBeTruthy();
  expect(screen.queryByRole("table", { name: "Points of train:rmse", hidden: true })).toBeNull();
  for (const summary of screen.getAllByText("As a table")) await userEvent.click(summary);
  expect(cells(await screen.findByRole("table", { name: "Points of train:rmse" }))).toHaveLength(23);
  await userEvent.click(screen.getByRole("button", { name: "Refresh the log and metrics" }));
  expect(host.asked.filter((path) => path.endsWith("/pipe.train/-1/log?lines=1000"))).toHaveLength(2);
});

test("regular expressions that take too long are given up, and the log is shown all the same", async () => {
  vi.spyOn(CurvesWorker.prototype, "postMessage").mockImplementation(() => {});
  const terminate = vi.spyOn(CurvesWorker.prototype, "terminate");
  open(mockRun(0), "pipe.train");
  const button = await screen.findByRole("button", { name: "Read the log and metrics" });
  vi.useFakeTimers({ shouldAdvanceTime: true });
  await userEvent.setup({ advanceTimers: vi.advanceTimersByTime }).click(button);
  expect(await screen.findByText("Finding the metrics in the log")).toBeTruthy();
  await act(() => vi.advanceTimersByTimeAsync(PATIENCE));
  expect((await screen.findByRole("alert")).textContent).toBe(
    "The regular expressions of the job's MetricDefinitions take too long to read this log.",
  );
  expect(terminate).toHaveBeenCalled();
  expect(screen.getByRole("region", { name: "Last lines of the log" })).toBeTruthy();
});

test("without AWS the log says so in one line", async () => {
  open(mockRun(0), "pipe.train", {
    override: (path) =>
      path.includes("/log") ? { status: 502, body: { detail: "The API server has no AWS credentials." } } : undefined,
  });
  await userEvent.click(await screen.findByRole("button", { name: "Read the log and metrics" }));
  expect((await screen.findByRole("alert")).textContent).toBe("The API server has no AWS credentials.");
});

test("a condition shows what it compared and the branch that was taken", async () => {
  open(mockRun(0, { accuracy: 0.81 }), "pipe.goodenough");
  expect(await screen.findByText("accuracy 0.81 ≥ 0.9: does not hold")).toBeTruthy();
  expect(screen.getByText("The execution took the else branch.")).toBeTruthy();
});

test("an item of a ForEach shows its own report", async () => {
  open(mockEachRun(5), "pipe.fit", { mapIndex: 3 });
  expect(await screen.findByText("CapacityError: no ml.p3.2xlarge is free")).toBeTruthy();
  expect(screen.getByRole("heading", { name: "Fit" })).toBeTruthy();
});

test("a registered model package shows its approval status, refreshed when a person asks", async () => {
  open(mockRun(1), "pipe.register");
  expect(await screen.findByText("PendingManualApproval")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Refresh the approval status" }));
  expect(await screen.findByText("Approved")).toBeTruthy();
});

test("the launch task shows the version and the parameters", async () => {
  open(mockRun(0), "pipe.launch");
  expect(await screen.findByRole("table", { name: "Pipeline parameters" })).toBeTruthy();
  expect(screen.getByText("step 'Train' HyperParameters.trees 100 → 200")).toBeTruthy();
});

test("a step that runs says so, and shows its report when it has ended", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { host } = open(mockRun(0, { state: "running", reached: 1 }), "pipe.train");
  expect(await screen.findByText("The step Train has not reported yet: it is executing.")).toBeTruthy();
  host.runs = [mockRun(0)];
  await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
  expect(await screen.findByRole("heading", { name: "Step" })).toBeTruthy();
  const before = host.asked.length;
  await act(() => vi.advanceTimersByTimeAsync(5 * POLL_MILLISECONDS));
  expect(host.asked).toHaveLength(before);
});

test("a step that was over and is cleared elsewhere is seen, and its new report read", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const { host } = open(mockRun(0, { state: "failed", failing: "Train" }), "pipe.train");
  await screen.findByText("✕", { exact: false });
  const before = host.asked.length;
  await act(() => vi.advanceTimersByTimeAsync(OVER_MILLISECONDS));
  await waitFor(() => expect(host.asked.length - before).toBe(1));
  const again = mockRun(0);
  host.runs = [{ ...again, instances: again.instances.map((one) => ({ ...one, try_number: 2 })) }];
  await act(() => vi.advanceTimersByTimeAsync(OVER_MILLISECONDS));
  expect(await screen.findByText("✓", { exact: false })).toBeTruthy();
});

test("a step that failed again is read again, though its state is the same", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const failed = mockRun(0, { state: "failed", failing: "Train" });
  const { host } = open(failed, "pipe.train");
  await screen.findByText(/AlgorithmError/);
  const text = JSON.stringify(failed).replaceAll("AlgorithmError", "OutOfMemory");
  const again = JSON.parse(text) as MockRun;
  host.runs = [{ ...again, instances: again.instances.map((one) => ({ ...one, try_number: 2 })) }];
  await act(() => vi.advanceTimersByTimeAsync(OVER_MILLISECONDS));
  expect(await screen.findByText(/OutOfMemory/)).toBeTruthy();
});

test("a task that is not a step is one quiet sentence", async () => {
  open(mockPlainRun(), "hello");
  expect(
    await screen.findByText("This task is not a step of a SageMaker pipeline that has been launched."),
  ).toBeTruthy();
});

test.each(["pipe.train", "pipe.evaluate", "pipe.goodenough", "pipe.launch"])(
  "axe finds nothing serious: %s",
  async (taskId) => {
    const { container } = open(mockRun(0), taskId);
    await screen.findByRole("heading", { level: 2 });
    const button = screen.queryByRole("button", { name: /^Read the log/ });
    if (button !== null) {
      await userEvent.click(button);
      await screen.findByRole("region", { name: "Last lines of the log" });
    }
    expect(await seriousProblems(container)).toEqual([]);
  },
);
