import { describe, expect, test } from "vitest";
import { readRun } from "../../src/model/airflow";
import { compareRuns } from "../../src/model/comparison";
import {
  buildColumns,
  buildRow,
  codeFiles,
  firstColumns,
  flatten,
  modelsCsv,
  passes,
  type RunRow,
  searchText,
  series,
} from "../../src/model/models";
import { RunReports, readEntries } from "../../src/model/reports";
import { DAG, type MockRun, mockEachRun, mockRun, mockRuns } from "../mock";

const rowOf = (mock: MockRun): RunRow => {
  const run = readRun(mock);
  if (run === null) throw new Error("not a run");
  return buildRow(run, new RunReports(readEntries({ reports: mock.entries })));
};

describe("rows", () => {
  test("one row has the metrics, packages, branches, code and timings of its run", () => {
    const row = rowOf(mockRun(0));
    expect([...row.metrics.values()]).toEqual([0.956, 4.9 - 0.956, 0.2, "good", 2.1034]);
    expect(row.packages).toEqual([
      {
        taskId: "pipe.register",
        mapIndex: -1,
        modelPackage: { group: "abalone", version: 1, approvalStatus: "Approved" },
      },
    ]);
    expect(row.branches).toEqual([{ condition: "GoodEnough", side: "if", text: "accuracy 0.956 ≥ 0.9" }]);
    expect(row.assets).toEqual(["s3://data/raw"]);
    expect(row.code.map((file) => [file.name, file.hash?.length])).toEqual([
      ["prepare.py", 64],
      ["train.py", 64],
    ]);
    expect(row.durations.get("Train")).toBe(300_000);
  });

  test("items of a ForEach have columns of their own, and one duration together", () => {
    const row = rowOf(mockEachRun(2));
    const labels = buildColumns([row]).map((column) => column.title);
    expect(labels).toEqual(["pipe.check[0] · metrics · accuracy", "pipe.check[1] · metrics · accuracy"]);
    expect(row.durations.get("Fit")).toBe(170_000);
  });

  test("a run without reports is a row with nothing in it", () => {
    const row = rowOf({ ...mockRun(0), entries: [] });
    expect([row.metrics.size, row.packages, row.branches, row.pipelines]).toEqual([0, [], [], []]);
  });

  test("values that are not what they should be do not break a row", () => {
    const odd = (key: string, value: unknown) => ({ run_id: "r", task_id: "t", map_index: -1, key, value });
    const entries = [
      odd("pipeline_report", { steps: [null, 3, { type: "Training" }, { name: "A", depends_on: "B" }], code: [null] }),
      odd("step_report", "cut off…"),
      odd("property_files", ["a"]),
      odd("outcome", { holds: "yes", comparisons: {} }),
    ];
    const row = rowOf({ ...mockRun(0), entries });
    expect([row.pipelines[0]?.report.steps.map((step) => step.name), row.metrics.size, row.branches]).toEqual([
      ["A"],
      0,
      [],
    ]);
  });
});

describe("columns", () => {
  test("metrics that a condition compares come first, with the threshold; labels are as short as they may be", () => {
    const columns = buildColumns(mockRuns(3).map(rowOf));
    expect(columns.map(({ label, title, isNumeric, threshold }) => [label, title, isNumeric, threshold])).toEqual([
      ["accuracy", "pipe.evaluate · metrics · accuracy", true, { operator: ">=", value: 0.9 }],
      ["standard_deviation", "pipe.evaluate · metrics · regression · mse · standard_deviation", true, null],
      ["mse", "pipe.evaluate · metrics · regression · mse · value", true, null],
      ["validation:rmse", "pipe.train · training job · validation:rmse", true, null],
      ["verdict", "pipe.evaluate · metrics · verdict", false, null],
    ]);
    expect(columns.filter((column) => firstColumns(columns).has(column.id)).map((column) => column.label)).toEqual([
      "accuracy",
      "mse",
      "validation:rmse",
    ]);
  });

  test("a series runs from the oldest run to the newest, without the runs that lack the metric", () => {
    const rows = mockRuns(9).map(rowOf).reverse();
    const [accuracy] = buildColumns(rows);
    const found = series(rows, accuracy?.id ?? "");
    expect(found).toHaveLength(8);
    const times = found.map((point) => point.row.run.runAfter ?? 0);
    expect(times).toEqual([...times].sort((one, other) => one - other));
  });

  test("the scalars of a property file are flat; lists and long text are left out", () => {
    expect(flatten({ a: { b: 1, c: [1, 2] }, d: "x".repeat(81), e: true, f: null })).toEqual([
      { path: ["a", "b"], value: 1 },
      { path: ["e"], value: true },
    ]);
  });

  test("a value passes its threshold by the threshold's operator", () => {
    const of = (operator: string) => passes(1, { operator, value: 1 });
    expect([of(">="), of(">"), of("<="), of("<"), of("=="), of("in")]).toEqual([true, false, true, false, true, null]);
  });

  test("code that is not stored by its content has no hash", () => {
    expect(codeFiles(["s3://b/code/train.py", "s3://b/code/train.py"])).toEqual([
      { uri: "s3://b/code/train.py", name: "train.py", hash: null },
    ]);
  });
});

test("the search finds packages, branches, code and parameters", () => {
  const found = searchText(rowOf(mockRun(3)));
  for (const wanted of ["abalone v4", "approved", "goodenough: if", "s3://data/raw", "train.py", "trees=100"]) {
    expect(found).toContain(wanted);
  }
});

test("two runs are compared by metrics, parameters, code and durations", () => {
  const [first, second] = [rowOf(mockRun(0)), rowOf(mockRun(1, { accuracy: 0.97 }))];
  const sections = compareRuns(first, second, buildColumns([first, second]));
  expect(sections.map((section) => section.title)).toEqual(["Metrics", "Parameters", "Code and data", "Durations"]);
  const shown = Object.fromEntries(
    sections.flatMap((section) =>
      section.rows.map((row) => [row.name, [row.first, row.second, row.isSame, row.change]]),
    ),
  );
  expect(shown).toMatchObject({
    accuracy: ["0.956", "0.97", false, "+0.014"],
    verdict: ["good", "good", true, null],
    "prepare-fraction": ["0.2", "0.2", true, null],
    Trees: ["100", "150", false, null],
    "prepare.py": ["a3f1a3f1a3f1", "a3f1a3f1a3f1", true, null],
    "train.py": ["0000a3f1a3f1", "1111a3f1a3f1", false, null],
    "pipeline version": ["3", "4", false, null],
    Train: ["5 min 00 s", "5 min 00 s", true, null],
  });
});

test("parameters and steps of one name in two pipelines of a run are told apart", () => {
  const twice = (index: number, trees: string): MockRun => {
    const run = mockRun(index);
    const text = JSON.stringify(run.entries)
      .replaceAll("pipe.", "other.")
      .replace(/"value":"1[05]0"/, `"value":"${trees}"`);
    return { ...run, entries: [...run.entries, ...(JSON.parse(text) as MockRun["entries"])] };
  };
  const sections = compareRuns(rowOf(twice(0, "7")), rowOf(twice(0, "8")), []);
  const names = sections.flatMap(({ rows }) => rows.map((row) => row.name));
  expect(new Set(names).size).toBe(names.length);
  const trees = sections.flatMap(({ rows }) => rows).filter(({ name }) => name.endsWith("Trees"));
  expect(trees.map(({ name, first, second }) => [name, first, second])).toEqual([
    ["other.launch: Trees", "7", "8"],
    ["pipe.launch: Trees", "100", "100"],
  ]);
  expect(names).toEqual(expect.arrayContaining(["other.launch: Train", "pipe.launch: Train"]));
});

test("a metric whose name has dots has the threshold of its condition", () => {
  const text = JSON.stringify(mockRun(0)).replaceAll('"accuracy"', '"f1.score"');
  const named = text.replaceAll("evaluate.metrics.accuracy", "evaluate.metrics['f1.score']");
  const [first] = buildColumns([rowOf(JSON.parse(named) as MockRun)]);
  expect([first?.label, first?.threshold]).toEqual(["f1.score", { operator: ">=", value: 0.9 }]);
});

test("10 000 metrics of a run are columns at once", () => {
  const run = mockRun(0);
  const metrics = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, index]));
  const entries = run.entries.map((entry) =>
    entry.key === "property_files" ? { ...entry, value: { metrics } } : entry,
  );
  const from = performance.now();
  expect(buildColumns([rowOf({ ...run, entries })])).toHaveLength(10_001);
  expect(performance.now() - from).toBeLessThan(2000);
});

test("the CSV has one row a run, whole column names and times as ISO", () => {
  const rows = [rowOf(mockRun(0))];
  const [accuracy] = buildColumns(rows).slice(0, 1);
  const text = modelsCsv(rows, accuracy ? [accuracy] : []);
  expect(text.split("\r\n").slice(0, 1)).toEqual([
    "run,run after,state,pipe.evaluate · metrics · accuracy,model package,approval status,branches,assets,code",
  ]);
  expect(text).toContain(
    "scheduled__2026-11-27T09:00:00.000Z,2026-11-27T09:00:00.000Z,success,0.956,abalone v1,Approved," +
      "GoodEnough: if (accuracy 0.956 ≥ 0.9),s3://data/raw,",
  );
  expect(DAG).toBe("abalone_training");
});
