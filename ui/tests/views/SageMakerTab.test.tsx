import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, test, vi } from "vitest";
import { OVER_MILLISECONDS, POLL_MILLISECONDS } from "../../src/data/waiting";
import { SageMakerTab } from "../../src/views/SageMakerTab";
import {
  DAG,
  type Host,
  type MockRun,
  mockEachRun,
  mockLargeRun,
  mockPlainRun,
  mockRun,
  mockUnlaunchedRun,
  mockWholeRun,
  PRICES,
} from "../mock";
import { seriousProblems, show } from "./host";

const open = (run: MockRun, host: Partial<Host> = {}) =>
  show(<SageMakerTab dagId={DAG} runId={run.dag_run_id} />, { runs: [run], ...host });

const cells = (row: HTMLElement): (string | null)[] =>
  [...row.querySelectorAll("th, td")].map((cell) => cell.textContent);

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("an execution", () => {
  test("shows each step in the graph with what a person wants to know of it", async () => {
    open(mockRun(0));
    const graph = await screen.findByRole("group", { name: "Graph of 8 steps" });
    const parts = (node: Element) => [...node.querySelectorAll(".line")].map((line) => line.textContent);
    expect([...graph.querySelectorAll("button")].map(parts)).toEqual([
      ["Prepare Succeeded✓", "Processing · ml.m5.xlarge", "3.0 s⚡ cache hit of execution earlier1"],
      ["Train Succeeded✓", "Training · 2 × ml.m5.2xlarge", "5 min 00 s attempt 2"],
      ["Baseline Succeeded✓", "Processing · ml.m5.xlarge", "2 min 02 s"],
      ["Evaluate Succeeded✓", "Processing · ml.m5.xlarge", "1 min 28 s"],
      ["GoodEnough Succeeded✓", "Condition", "accuracy 0.956 ≥ 0.9"],
      ["Register Succeeded✓", "RegisterModel", "7.0 s"],
      ["Score Succeeded✓", "Transform · ml.m5.large", "3 min 20 s"],
      ["TooBad»", "Fail", "Skipped"],
    ]);
  });

  test("has a table with all that the graph and the timeline show", async () => {
    open(mockRun(0), { prices: PRICES });
    const table = await screen.findByRole("table", { name: "Steps of abalone" });
    const [, ...rows] = within(table).getAllByRole("row");
    expect(rows.map(cells).slice(0, 2)).toEqual([
      ["Preparecritical path", "Processing", "✓ Succeeded", "—", "3.0 s", "1 × ml.m5.xlarge", "0"].concat([
        "hit of earlier1",
        "—",
        "—",
        "—",
      ]),
      ["Traincritical path", "Training", "✓ Succeeded", "2 min 05 s", "5 min 00 s", "2 × ml.m5.2xlarge", "2"].concat([
        "no hit",
        "4 min 00 s",
        "0.0369 USD",
        "Prepare",
      ]),
    ]);
    expect(screen.getByRole("img", { name: /^Timeline of 7 lanes/ })).toBeTruthy();
  });

  test("shows billable time by kind, and no money without prices", async () => {
    open(mockRun(0));
    const table = await screen.findByRole("table", { name: "Billable time by kind of job" });
    expect(within(table).getAllByRole("row").map(cells)).toEqual([
      ["Kind", "Instance time", "Billable"],
      ["processing", "3 min 14 s", "3 min 14 s"],
      ["training", "9 min 44 s", "4 min 00 s"],
      ["transform", "3 min 12 s", "3 min 12 s"],
      ["In all", "16 min 10 s", "10 min 26 s"],
    ]);
    expect(screen.queryByText("Estimated cost")).toBeNull();
  });

  test("shows parameters with the place that they were lifted from, and what changed", async () => {
    open(mockRun(0));
    const table = await screen.findByRole("table", { name: "Pipeline parameters" });
    const [, ...rows] = within(table).getAllByRole("row");
    expect(rows.map(cells)).toEqual([
      ["prepare-fraction", "0.2", "—", "step 'Prepare' ContainerArguments[1]"],
      ["Trees", "100", "100", "declared in the Dag"],
    ]);
    expect(screen.getByText("step 'Train' HyperParameters.trees 100 → 200")).toBeTruthy();
  });

  test("opens a step beside the graph when its node is pressed, with links to its task and job", async () => {
    open(mockRun(0));
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: /^Prepare / }));
    const panel = screen.getByRole("complementary", { name: "Step Prepare" });
    expect(within(panel).getByRole("link", { name: "pipe.prepare" }).getAttribute("href")).toBe(
      `/dags/${DAG}/runs/${encodeURIComponent(mockRun(0).dag_run_id)}/tasks/pipe.prepare`,
    );
    expect(within(panel).getByText(/^Hit: the outputs are those of execution/).textContent).toBe(
      "Hit: the outputs are those of execution earlier1",
    );
    await user.click(within(panel).getByRole("button", { name: "Close the step" }));
    expect(screen.queryByRole("complementary")).toBeNull();
  });

  test("counts the items of a ForEach on the stack of its body", async () => {
    open(mockEachRun(5));
    expect(
      await screen.findByRole("button", {
        name: /^Fit Failed ?Training · 4 of 5, 1 failed · ml.p3.2xlarge ?3 min 50 s$/,
      }),
    ).toBeTruthy();
  });

  test("times stand in the browser's zone, with the ISO form in their titles", async () => {
    open(mockRun(0));
    const [time] = await screen.findAllByTitle("2026-11-27T09:00:12.000Z");
    expect(time?.textContent).toBe("Nov 27, 2026, 09:00:12 AM");
  });

  test("150 steps are drawn, and without a request per step", async () => {
    const { host } = open(mockLargeRun(150));
    const graph = await screen.findByRole("group", { name: "Graph of 150 steps" });
    expect(graph.querySelectorAll("button")).toHaveLength(150);
    expect(host.asked).toHaveLength(5);
  });
});

describe("a failure", () => {
  test("stands open with its reason and links, and its log when a person asks", async () => {
    const { host } = open(mockRun(0, { state: "failed", failing: "Train" }));
    await screen.findByRole("heading", { name: "Train failed" });
    expect(screen.getByText("AlgorithmError: the training data is empty, exit code 1")).toBeTruthy();
    expect(host.asked.some((path) => path.includes("/log"))).toBe(false);
    await userEvent.click(screen.getByRole("button", { name: "Read the log" }));
    expect((await screen.findByRole("region", { name: "Last lines of the log" })).textContent).toContain(
      "Training done",
    );
  });

  test("is repaired by clearing the failed task, once a person has confirmed", async () => {
    const run = mockRun(0, { state: "failed", failing: "Train" });
    const { host } = open(run);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Repair" }));
    const dialog = await screen.findByRole("alertdialog");
    expect(host.asked.some((path) => path.startsWith("POST"))).toBe(false);
    await user.click(within(dialog).getByRole("button", { name: "Repair" }));
    await waitFor(() => expect(host.asked).toContain(`POST /api/v2/dags/${DAG}/clearTaskInstances`));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  });

  test("a refusal to repair stays in the dialog", async () => {
    open(mockRun(0, { state: "failed", failing: "Train" }), {
      override: (path) => (path.includes("clear") ? { status: 403, body: { detail: "Forbidden" } } : undefined),
    });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Repair" }));
    const dialog = await screen.findByRole("alertdialog");
    await user.click(within(dialog).getByRole("button", { name: "Repair" }));
    expect((await within(dialog).findByRole("alert")).textContent).toContain("Your Airflow role does not allow this");
  });
});

describe("while it runs", () => {
  test("states change without a reload; reports are read again only then; it ends with the run", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { host } = open(mockRun(0, { state: "running", reached: 1 }));
    const count = (part: string) => host.asked.filter((path) => path.includes(part)).length;
    await screen.findByRole("button", { name: /^Train Executing ?Training/ });
    expect([count("/taskInstances"), count("/reports"), count("/prices")]).toEqual([1, 1, 1]);
    await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
    await waitFor(() => expect([count("/taskInstances"), count("/reports")]).toEqual([2, 1]));
    host.runs = [mockRun(0)];
    await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
    await screen.findByRole("button", { name: /^Train Succeeded/ });
    expect([count("/taskInstances"), count("/reports"), count("/prices")]).toEqual([3, 2, 1]);
    await act(() => vi.advanceTimersByTimeAsync(5 * POLL_MILLISECONDS));
    expect(count("/taskInstances")).toBe(3);
  });

  test("the execution is stopped by failing the run, once a person has confirmed", async () => {
    const run = mockRun(0, { state: "running", reached: 2 });
    const { host } = open(run);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Stop execution" }));
    const dialog = await screen.findByRole("alertdialog");
    await user.click(within(dialog).getByRole("button", { name: "Stop execution" }));
    await waitFor(() => expect(host.asked).toContain(`PATCH /api/v2/dags/${DAG}/dagRuns/${run.dag_run_id}`));
  });

  test("a run that is over is read on until its tasks have stopped", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const stopping = { ...mockRun(0, { state: "running", reached: 1 }), state: "failed" };
    const { host } = open(stopping);
    await screen.findByRole("button", { name: /^Train Executing/ });
    host.runs = [mockRun(0, { state: "failed", failing: "Train" })];
    await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
    await screen.findByRole("button", { name: /^Train Failed/ });
    const before = host.asked.length;
    await act(() => vi.advanceTimersByTimeAsync(3 * POLL_MILLISECONDS));
    expect(host.asked).toHaveLength(before);
  });

  test("a run that was over and is cleared elsewhere is seen, with one request until then", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { host } = open(mockRun(0, { state: "failed", failing: "Train" }));
    await screen.findByRole("button", { name: /^Train Failed/ });
    const before = host.asked.length;
    await act(() => vi.advanceTimersByTimeAsync(OVER_MILLISECONDS));
    await waitFor(() => expect(host.asked.slice(before)).toHaveLength(1));
    expect(host.asked.at(-1)).toMatch(/\/dagRuns\/[^/]+$/);
    host.runs = [mockRun(0, { state: "running", reached: 1 })];
    await act(() => vi.advanceTimersByTimeAsync(OVER_MILLISECONDS));
    await screen.findByRole("button", { name: /^Train Executing/ });
    host.runs = [mockRun(0)];
    await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
    await screen.findByRole("button", { name: /^Train Succeeded/ });
  });

  test.each([
    [404, { detail: "The DagRun was not found" }, "The DagRun was not found"],
    [401, {}, "Your session has ended: log in to Airflow again."],
  ])(
    "%i while the tab is open is told beside what was read, and nothing more is asked until a person does",
    async (status, body, told) => {
      vi.useFakeTimers({ shouldAdvanceTime: true });
      const { host } = open(mockRun(0, { state: "running", reached: 1 }));
      await screen.findByRole("button", { name: /^Train Executing/ });
      host.override = () => ({ status, body });
      await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
      expect((await screen.findByRole("alert")).textContent).toContain(told);
      expect(screen.getByRole("button", { name: /^Train Executing/ })).toBeTruthy();
      const before = host.asked.length;
      await act(() => vi.advanceTimersByTimeAsync(2 * OVER_MILLISECONDS));
      expect(host.asked).toHaveLength(before);
      delete host.override;
      screen.getByRole("button", { name: "Try again" }).click();
      await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
    },
  );

  test("leaving the tab ends the requests", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { host, unmount } = open(mockRun(0, { state: "running", reached: 1 }));
    await screen.findByRole("group", { name: "Graph of 8 steps" });
    unmount();
    const before = host.asked.length;
    await vi.advanceTimersByTimeAsync(3 * POLL_MILLISECONDS);
    expect(host.asked).toHaveLength(before);
  });

  test("a host that is away for a while is told, and asked again", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { host } = open(mockRun(0), { override: () => ({ status: 500, body: {} }) });
    expect((await screen.findByRole("alert")).textContent).toContain("Airflow answered with the error 500.");
    delete host.override;
    await act(() => vi.advanceTimersByTimeAsync(POLL_MILLISECONDS));
    await screen.findByRole("group", { name: "Graph of 8 steps" });
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("many items", () => {
  test("of 300 failed items five stand open, and the number of the others is told", async () => {
    const run = mockEachRun(300);
    const failed = {
      ...run,
      instances: run.instances.map((one) => (one.map_index < 0 ? one : { ...one, state: "failed" })),
    };
    const { host } = open(failed);
    expect(await screen.findByText(/more have failed/).then((element) => element.textContent)).toBe(
      "595 more have failed: the table of the steps has them.",
    );
    expect(screen.getAllByRole("heading", { level: 3, name: / failed$/ })).toHaveLength(5);
    expect(host.asked.length).toBeLessThan(12);
  });
});

describe("other states", () => {
  test("a Dag without a pipeline is one quiet sentence", async () => {
    open(mockPlainRun());
    expect(await screen.findByText("This Dag run has no SageMaker pipeline.")).toBeTruthy();
  });

  test("a pipeline that is not launched says so", async () => {
    const { container } = open(mockUnlaunchedRun());
    await screen.findByText(/is not launched yet/);
    expect(container.textContent).toBe("○ WaitingThe pipeline of task pipe.launch is not launched yet.");
  });

  test.each([
    [401, "Your session has ended: log in to Airflow again."],
    [403, "Your Airflow role does not allow this for this Dag."],
  ])("an answer %i is one sentence, and is not asked for again and again", async (status, sentence) => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const { host } = open(mockRun(0), { override: () => ({ status, body: { detail: "no" } }) });
    expect((await screen.findByRole("alert")).textContent).toContain(sentence);
    const before = host.asked.length;
    await act(() => vi.advanceTimersByTimeAsync(5 * POLL_MILLISECONDS));
    expect(host.asked).toHaveLength(before);
  });

  test("without AWS the log says so, and everything else works", async () => {
    open(mockRun(0, { state: "failed", failing: "Train" }), {
      override: (path) =>
        path.includes("/log") ? { status: 502, body: { detail: "The API server has no AWS credentials." } } : undefined,
    });
    await userEvent.click(await screen.findByRole("button", { name: "Read the log" }));
    expect(await screen.findByText("The API server has no AWS credentials.")).toBeTruthy();
    expect(screen.getByRole("group", { name: "Graph of 8 steps" })).toBeTruthy();
  });

  test("without prices that can be read, everything else works", async () => {
    const detail = "The file of prices /prices.json cannot be read";
    open(mockRun(0), {
      override: (path) => (path.includes("/prices") ? { status: 500, body: { detail } } : undefined),
    });
    expect(await screen.findByRole("group", { name: "Graph of 8 steps" })).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByText(`No estimate: ${detail}`)).toBeTruthy();
  });

  test("a whole execution shows its steps once a person asks AWS", async () => {
    const { host } = open(mockWholeRun());
    await screen.findByRole("button", { name: /^Train Unknown/ });
    expect(host.asked.some((path) => path.endsWith("/steps"))).toBe(false);
    await userEvent.click(screen.getByRole("button", { name: "Read the steps from AWS" }));
    await screen.findByRole("button", { name: /^Train Succeeded ?Training ?5 min 00 s$/ });
  });
});

test("a pipeline that the run has created is not compared with a version before", async () => {
  const text = JSON.stringify(mockRun(0)).replace(
    /"changes":\[[^\]]*(?:\[[^\]]*\][^\]]*)*\],"created":false/,
    '"changes":[],"created":true',
  );
  open(JSON.parse(text) as MockRun);
  expect(await screen.findByText("3, created by this run")).toBeTruthy();
  expect(screen.queryByText("What changed")).toBeNull();
});

test("text from data stays text", async () => {
  const run = mockRun(0, { state: "failed", failing: "Train" });
  const evil = '<img src=x onerror="globalThis.hacked = true">';
  const text = JSON.stringify(run).replaceAll("AlgorithmError", JSON.stringify(evil).slice(1, -1));
  const { container } = open(JSON.parse(text) as MockRun);
  await screen.findByText((content) => content.includes(evil));
  expect(container.querySelector("img")).toBeNull();
});

test("steps, statuses and metrics named as members of every object are drawn as what they are", async () => {
  const text = JSON.stringify(mockRun(0))
    .replaceAll('"Train"', '"constructor"')
    .replaceAll("validation:rmse", "__proto__");
  open(JSON.parse(text) as MockRun);
  await userEvent.click(await screen.findByRole("button", { name: /^constructor Succeeded/ }));
  const panel = screen.getByRole("complementary", { name: "Step constructor" });
  expect(within(panel).getByText("__proto__").tagName).toBe("DT");
});

test("what stands twice in a report is drawn twice, without an error of React", async () => {
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const run = mockRun(0);
  const doubled = (value: unknown): unknown =>
    Array.isArray(value)
      ? [...value, ...value].map(doubled)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, doubled(member)]))
        : value;
  open({ ...run, entries: run.entries.map((entry) => ({ ...entry, value: doubled(entry.value) })) });
  await userEvent.click(await screen.findByRole("button", { name: /^GoodEnough Succeeded/ }));
  expect(screen.getAllByText("step 'Train' HyperParameters.trees 100 → 200")).toHaveLength(2);
  expect(errors.mock.calls).toEqual([]);
  errors.mockRestore();
});

test("forged statuses of a whole execution are unknown", async () => {
  const steps = ["__proto__", "constructor"].map((status, index) => ({
    name: index === 0 ? "Train" : "Evaluate",
    status,
  }));
  open(mockWholeRun(), {
    override: (path) => (path.endsWith("/steps") ? { status: 200, body: { status: "__proto__", steps } } : undefined),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Read the steps from AWS" }));
  await waitFor(() => expect(screen.getByRole("button", { name: /^Train Unknown/ })).toBeTruthy());
  expect(screen.getByRole("button", { name: /^Evaluate Unknown/ })).toBeTruthy();
});

test("a link that is not one of the web is not a link", async () => {
  const run = mockRun(0);
  const text = JSON.stringify(run).replaceAll(/https:\/\/studio[^"]+/g, "javascript:alert(1)");
  open(JSON.parse(text) as MockRun);
  await screen.findByRole("group", { name: "Graph of 8 steps" });
  expect(screen.queryByRole("link", { name: /ex0000000000/ })).toBeNull();
  expect(screen.getByText("execution ex0000000000")).toBeTruthy();
});

test.each([
  ["success", mockRun(0)],
  ["failure", mockRun(0, { state: "failed", failing: "Train" })],
  ["running", mockRun(0, { state: "running", reached: 3 })],
  ["ForEach", mockEachRun(5)],
])("axe finds nothing serious: %s", async (_, run) => {
  const { container } = open(run);
  const graph = await screen.findByRole("group", { name: /^Graph of/ });
  const [node] = within(graph).getAllByRole("button");
  if (node) await userEvent.click(node);
  expect(await seriousProblems(container)).toEqual([]);
});

test("every step is reached and opened with the keyboard", async () => {
  open(mockRun(0));
  const user = userEvent.setup();
  const node = await screen.findByRole("button", { name: /^Evaluate / });
  for (let presses = 0; presses < 40 && document.activeElement !== node; presses += 1) await user.tab();
  expect(document.activeElement).toBe(node);
  await user.keyboard("{Enter}");
  expect(screen.getByRole("complementary", { name: "Step Evaluate" })).toBeTruthy();
});
