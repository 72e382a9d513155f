import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ModelsTab } from "../../src/views/ModelsTab";
import { DAG, type Host, type MockRun, mockPlainRun, mockRun, mockRuns } from "../mock";
import { seriousProblems, show } from "./host";

const open = (runs: MockRun[], host: Partial<Host> = {}) => show(<ModelsTab dagId={DAG} />, { runs, ...host });

const table = () => screen.findByRole("table", { name: "Models, one row a run" });

/** Not by role: jsdom takes seconds for that in a large table. */
const rows = async (): Promise<HTMLElement[]> => [...(await table()).querySelectorAll<HTMLElement>("tbody tr")];

const column = async (name: string): Promise<(string | null | undefined)[]> => {
  const headers = [...(await table()).querySelectorAll("thead th")].map((cell) => cell.textContent?.trim() ?? "");
  const at = headers.findIndex((header) => header.replace(/ ?[▲▼]$/, "") === name);
  return (await rows()).map((row) => row.querySelectorAll("th, td")[at]?.textContent);
};

const click = async (name: RegExp | string) => userEvent.click(await screen.findByRole("button", { name }));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the table", () => {
  test("has one row a run, the newest first, with its metrics, package, branch, data and code", async () => {
    open(mockRuns(3));
    const [first] = await rows();
    expect([...(first?.querySelectorAll("th, td") ?? [])].map((cell) => cell.textContent)).toEqual([
      "",
      "scheduled__2026-11-29T09:00:00.000Z",
      "✓ Succeeded",
      "0.9197",
      "3.9803",
      "2.1034",
      "abalone v3↻PendingManualApproval",
      "GoodEnough: if · accuracy 0.9197 ≥ 0.9",
      "Nov 29, 2026, 09:00:00 AM",
      "12 min 40 s",
      "raw",
      "a3f1a3f12222a3f1",
    ]);
  });

  test("sorts by a metric, missing values last both ways", async () => {
    open(mockRuns(9));
    await click("accuracy");
    const downwards = (await column("accuracy")).slice(0, -1).map(Number);
    expect(downwards).toEqual([...downwards].sort((one, other) => other - one));
    expect((await column("accuracy")).at(-1)).toBe("—");
    await click(/^accuracy/);
    const upwards = (await column("accuracy")).slice(0, -1).map(Number);
    expect(upwards).toEqual([...upwards].sort((one, other) => one - other));
    expect((await column("accuracy")).at(-1)).toBe("—");
    expect((await screen.findByRole("columnheader", { name: /^accuracy/ })).getAttribute("aria-sort")).toBe(
      "ascending",
    );
  });

  test("searches runs, packages and parameters", async () => {
    open(mockRuns(6));
    await table();
    await userEvent.type(screen.getByRole("searchbox", { name: "Search the runs" }), "abalone v3");
    await waitFor(async () => expect(await rows()).toHaveLength(1));
    await userEvent.type(screen.getByRole("searchbox"), "999");
    expect(await screen.findByText("No run matches the search.")).toBeTruthy();
  });

  test("shows the metrics that a person chooses", async () => {
    open(mockRuns(2));
    await click("Metrics (3 of 5)");
    await userEvent.click(await screen.findByRole("checkbox", { name: "pipe.evaluate · metrics · verdict" }));
    expect(await column("verdict")).toEqual(["good", "good"]);
    await click("None");
    expect((await column("verdict")).at(0)).toBeUndefined();
  });

  test("marks values that a condition does not let pass", async () => {
    open([mockRun(0), mockRun(1, { accuracy: 0.81 })]);
    await table();
    expect(screen.getByTitle("not ≥ 0.9").textContent).toBe("0.81");
    expect(await column("Branch taken")).toEqual([
      "GoodEnough: else · accuracy 0.81 ≥ 0.9",
      "GoodEnough: if · accuracy 0.956 ≥ 0.9",
    ]);
  });

  test("a metric's name that is HTML stays text", async () => {
    const evil = "<img src=x onerror=alert(1)>";
    const text = JSON.stringify(mockRun(0)).replaceAll('"accuracy"', JSON.stringify(evil));
    const { container } = open([JSON.parse(text) as MockRun]);
    expect(await screen.findByRole("columnheader", { name: evil })).toBeTruthy();
    expect(container.querySelector("img")).toBeNull();
  });
});

test("a metric, a status and an operator named as members of every object are drawn as what they are", async () => {
  const text = JSON.stringify(mockRun(0)).replaceAll("accuracy", "__proto__").replaceAll('">="', '"__proto__"');
  open([JSON.parse(text) as MockRun]);
  await table();
  expect(screen.queryByText(/failed to draw/)).toBeNull();
  expect(await screen.findByRole("columnheader", { name: "__proto__" })).toBeTruthy();
  expect(screen.getByRole("img", { name: /^__proto__ over 1 runs.*threshold __proto__ 0.9$/ })).toBeTruthy();
});

describe("charts", () => {
  test("each shown metric is drawn over the runs, with the threshold, and read aloud as a sentence", async () => {
    open(mockRuns(6));
    const chart = await screen.findByRole("img", { name: /^accuracy over 6 runs/ });
    expect(chart.getAttribute("aria-label")).toMatch(/, threshold ≥ 0.9$/);
    expect(chart.querySelectorAll(".threshold")).toHaveLength(1);
    expect(chart.querySelectorAll(".dot")).toHaveLength(6);
  });
});

describe("many runs", () => {
  test("the first 50 stand at once, the others load 50 by 50 up to 1000, with one request for their reports", async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { host } = open(mockRuns(1020));
    const answer = globalThis.fetch;
    vi.stubGlobal("fetch", async (input: URL, init?: RequestInit) => {
      if (String(input).includes("offset=50&")) await held;
      return answer(input, init);
    });
    expect((await screen.findByText("50 of 1000 runs read …")).getAttribute("role")).toBe("status");
    expect(await rows()).toHaveLength(50);
    release();
    await screen.findByText("1000 runs of 1020: the newest");
    expect(await rows()).toHaveLength(100);
    expect(host.asked.filter((path) => path.includes("/dagRuns?"))).toHaveLength(20);
    expect(host.asked.filter((path) => path.includes("/reports?"))).toHaveLength(20);
    expect(host.asked).toHaveLength(40);
    await click("Show all 1000 runs");
    await waitFor(() => expect(document.querySelectorAll("tbody tr")).toHaveLength(1000));
  });

  test("an Airflow that gives shorter pages has all its runs read, each once", async () => {
    const { host } = open(mockRuns(60));
    const answer = globalThis.fetch;
    vi.stubGlobal("fetch", (input: URL, init?: RequestInit) =>
      answer(new URL(String(input).replace("limit=50", "limit=20")), init),
    );
    await click("Refresh");
    await screen.findByText("60 runs");
    await waitFor(async () => expect(new Set(await column("Run")).size).toBe(60));
    const page = (offset: number) => `GET /api/v2/dags/${DAG}/dagRuns?limit=20&offset=${offset}&order_by=-run_after`;
    expect(host.asked).toEqual(expect.arrayContaining([0, 20, 40].map(page)));
  });

  test("of 10 000 metrics 300 are listed at once, and all is not more than that", async () => {
    const run = mockRun(0);
    const metrics = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, index]));
    const entries = run.entries.map((entry) =>
      entry.key === "property_files" ? { ...entry, value: { metrics } } : entry,
    );
    open([{ ...run, entries }]);
    await click(/^Metrics \(6 of 1/);
    expect(await screen.findByText(/^The first 300 of 10/)).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "All" }));
    await waitFor(() => expect(screen.getByRole("button", { name: /^Metrics \(300 of / })).toBeTruthy());
  });

  test("runs that came meanwhile do not stand twice", async () => {
    const all = mockRuns(60);
    const { host } = open(all.slice(0, 59));
    host.override = (path) => {
      if (path.includes("offset=50")) host.runs = all;
      return undefined;
    };
    await waitFor(async () => expect(screen.getByRole("status").textContent).toMatch(/^59 runs/));
    expect(new Set(await column("Run")).size).toBe(59);
  });
});

describe("what a person asks for", () => {
  test("the approval status is that of the run's end until it is refreshed", async () => {
    const { host } = open([mockRun(1)]);
    expect((await column("Model package"))[0]).toBe("abalone v2↻PendingManualApproval");
    expect(host.asked.some((path) => path.endsWith("/model-package"))).toBe(false);
    await click("Refresh the approval status of abalone v2");
    await waitFor(async () => expect((await column("Model package"))[0]).toBe("abalone v2↻Approved"));
    expect(host.asked.at(-1)).toBe(
      `GET /sagemaker-pipelines/dags/${DAG}/runs/${mockRun(1).dag_run_id}/tasks/pipe.register/-1/model-package`,
    );
  });

  test("without AWS the refresh says so in the cell", async () => {
    open([mockRun(1)], {
      override: (path) =>
        path.includes("model-package")
          ? { status: 502, body: { detail: "The API server has no AWS credentials." } }
          : undefined,
    });
    await click("Refresh the approval status of abalone v2");
    expect((await screen.findByRole("alert")).textContent).toBe("The API server has no AWS credentials.");
  });

  test("two runs are compared side by side, the older on the left, also only where they differ", async () => {
    open(mockRuns(3));
    const [newest, , oldest] = await screen.findAllByRole("checkbox", { name: /^Compare/ });
    if (newest) await userEvent.click(newest);
    expect(await screen.findByText(/choose one more run to compare/)).toBeTruthy();
    if (oldest) await userEvent.click(oldest);
    const compared = await screen.findByRole("table", { name: "Two runs side by side" });
    const shown = () =>
      within(compared)
        .getAllByRole("row")
        .map((row) => row.textContent);
    expect(shown()).toContain("accuracy0.930.9197−0.0103");
    expect(shown()).toContain("prepare-fraction0.20.2same");
    await userEvent.click(screen.getByRole("checkbox", { name: "Differences only" }));
    expect(shown()).not.toContain("prepare-fraction0.20.2same");
    await click("Close");
    expect(screen.queryByRole("table", { name: "Two runs side by side" })).toBeNull();
  });

  test("the table is downloaded as CSV", async () => {
    const blobs: Blob[] = [];
    const names: string[] = [];
    vi.stubGlobal(
      "URL",
      Object.assign(globalThis.URL, {
        createObjectURL: (blob: Blob) => {
          blobs.push(blob);
          return "blob:1";
        },
        revokeObjectURL: () => {},
      }),
    );
    const spy = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    open(mockRuns(2));
    await click("Download CSV");
    spy.mockRestore();
    expect(names).toEqual([`${DAG}-models.csv`]);
    const text = await new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      if (blobs[0]) reader.readAsText(blobs[0]);
    });
    expect(text.split("\r\n")).toHaveLength(4);
    expect(text).toContain("pipe.evaluate · metrics · accuracy");
  });
});

describe("other states", () => {
  test("a Dag whose runs reported nothing is one quiet sentence", async () => {
    open([mockPlainRun()]);
    expect(await screen.findByText("No run of this Dag has reported a SageMaker pipeline.")).toBeTruthy();
  });

  test("a Dag without runs says so", async () => {
    open([]);
    expect(await screen.findByText("This Dag has no runs yet.")).toBeTruthy();
  });

  test("a user who may not see the Dag is told so", async () => {
    open(mockRuns(1), { override: () => ({ status: 403, body: { detail: "Forbidden" } }) });
    expect((await screen.findByRole("alert")).textContent).toContain("Your Airflow role does not allow this");
  });
});

test("axe finds nothing serious, with two runs compared", async () => {
  const { container } = open(mockRuns(4));
  const boxes = await screen.findAllByRole("checkbox", { name: /^Compare/ });
  for (const box of boxes.slice(0, 2)) await userEvent.click(box);
  await screen.findByRole("table", { name: "Two runs side by side" });
  expect(await seriousProblems(container)).toEqual([]);
});
