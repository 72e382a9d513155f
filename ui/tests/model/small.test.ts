import { describe, expect, test } from "vitest";
import { isOnAws, runPath, s3Console, taskPath, webAddress } from "../../src/model/addresses";
import { csv, csvField } from "../../src/model/csv";
import { curvesOf, readDefinitions, readLog } from "../../src/model/logs";
import { findPlaces } from "../../src/model/request";
import { ofState, ofStatus, stepStatus, together } from "../../src/model/status";
import {
  formatDuration,
  formatMoney,
  formatNumber,
  formatValue,
  lastPart,
  lastSegment,
  shortestLabels,
  sign,
} from "../../src/model/text";

describe("CSV", () => {
  test("text that a spreadsheet would run as a formula gets an apostrophe", () => {
    for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", " =1"]) {
      expect(csvField(text).replace(/^"/, "")).toMatch(/^'/);
    }
    expect(csvField("plain = text")).toBe("plain = text");
  });

  test("numbers stay numbers, negative ones too", () => {
    expect(csv(["a", "b"], [[-1.5, null]])).toBe("a,b\r\n-1.5,\r\n");
  });

  test("commas, quotes and line ends are quoted", () => {
    expect(csvField('a,"b"\nc')).toBe('"a,""b""\nc"');
  });

  test("a header is guarded as well", () => {
    expect(csv(["=cmd"], [])).toBe("'=cmd\r\n");
  });
});

describe("addresses", () => {
  test("only addresses of the web become links", () => {
    expect(webAddress("https://example.com/x")).toBe("https://example.com/x");
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "https://a b", "", null, undefined]) {
      expect(webAddress(bad)).toBeNull();
    }
  });

  test("an S3 address leads to the console of its partition and region", () => {
    const arn = "arn:aws:sagemaker:eu-central-1:1:training-job/x";
    expect(s3Console("s3://bucket/a b/c.csv", arn)).toBe(
      "https://s3.console.aws.amazon.com/s3/object/bucket?region=eu-central-1&prefix=a+b%2Fc.csv",
    );
    expect(s3Console("s3://bucket/prefix/", arn)).toBe(
      "https://s3.console.aws.amazon.com/s3/buckets/bucket?region=eu-central-1&prefix=prefix%2F",
    );
    expect(s3Console("s3://bucket", "arn:aws-cn:sagemaker:cn-north-1:1:x")).toBe(
      "https://console.amazonaws.cn/s3/buckets/bucket?region=cn-north-1",
    );
    expect([s3Console("s3://bucket/x", null), s3Console("file:///x", arn)]).toEqual([null, null]);
  });

  test("links to a local endpoint are not AWS", () => {
    expect(isOnAws({ job: "https://eu-central-1.console.aws.amazon.com/x" })).toBe(true);
    expect(isOnAws({ job: "https://studio-d-1.studio.eu-central-1.sagemaker.aws/x" })).toBe(true);
    expect(isOnAws({ job: "http://localhost:4566/_/job" })).toBe(false);
    expect(isOnAws({ job: "https://console.aws.amazon.com.evil.example/x" })).toBe(false);
  });

  test("paths of Airflow's own pages quote every part", () => {
    expect(taskPath("a/b", "scheduled__2026-01-01T00:00:00+00:00", "g.t", 3)).toBe(
      "/dags/a%2Fb/runs/scheduled__2026-01-01T00%3A00%3A00%2B00%3A00/tasks/g.t/mapped/3",
    );
    expect(runPath("a", "r 1")).toBe("/dags/a/runs/r%201");
  });
});

describe("inputs and outputs", () => {
  test("are found in the request by their own names, references included", () => {
    expect(
      findPlaces(
        {
          ProcessingInputs: [
            { InputName: "raw", S3Input: { S3Uri: "s3://data/raw" } },
            { InputName: "model", S3Input: { S3Uri: { Get: "Steps.Train.ModelArtifacts.S3ModelArtifacts" } } },
          ],
          ProcessingOutputConfig: { Outputs: [{ OutputName: "report", S3Output: { S3Uri: "s3://out/report" } }] },
          Environment: { KEY: "value" },
        },
        { train: "s3://out/train" },
      ),
    ).toEqual({
      inputs: [
        { name: "raw", value: "s3://data/raw", isAddress: true },
        { name: "model", value: "Steps.Train.ModelArtifacts.S3ModelArtifacts", isAddress: false },
      ],
      outputs: [
        { name: "train", value: "s3://out/train", isAddress: true },
        { name: "report", value: "s3://out/report", isAddress: true },
      ],
    });
    expect(findPlaces(null, {})).toEqual({ inputs: [], outputs: [] });
  });
});

describe("statuses", () => {
  test("Airflow's state counts, but for what the step says of a stop", () => {
    expect([
      stepStatus("failed", "Stopped"),
      stepStatus("success", "Failed"),
      stepStatus("deferred", "Failed"),
      stepStatus("up_for_retry", "Failed"),
      stepStatus(null, null),
      stepStatus(undefined, "Executing"),
      stepStatus(undefined, "Odd"),
    ]).toEqual(["Stopped", "Succeeded", "Executing", "Retrying", "Waiting", "Executing", "Unknown"]);
  });

  test("several together show what a person wants to know of first", () => {
    expect([
      together([]),
      together(["Succeeded", "Failed", "Executing"]),
      together(["Succeeded", "Executing"]),
      together(["Succeeded", "Waiting"]),
      together(["Waiting", "Waiting"]),
      together(["Succeeded", "Skipped"]),
    ]).toEqual(["Unknown", "Failed", "Executing", "Executing", "Waiting", "Succeeded"]);
  });
});

describe("text", () => {
  test("durations have at most two units", () => {
    expect([null, -1, 1234, 59_600, 61_000, 3_600_000, 190_000_000].map(formatDuration)).toEqual([
      "—",
      "—",
      "1.2 s",
      "1 min 00 s",
      "1 min 01 s",
      "1 h 00 min",
      "2 d 04 h",
    ]);
  });

  test("numbers, money and other values", () => {
    expect([formatNumber(0.956), formatNumber(null), formatValue({ a: 1 }), formatValue("")]).toEqual([
      "0.956",
      "—",
      '{"a":1}',
      "—",
    ]);
    expect([formatMoney(0.01234, "USD"), formatMoney(12.3, null), formatMoney(null, "USD")]).toEqual([
      "0.0123 USD",
      "12.30",
      "—",
    ]);
  });

  test("labels are the shortest endings that tell columns apart", () => {
    expect(
      shortestLabels([
        ["evaluate", "metrics", "mse"],
        ["baseline", "metrics", "mse"],
        ["evaluate", "metrics", "accuracy"],
      ]),
    ).toEqual(["evaluate · metrics · mse", "baseline · metrics · mse", "accuracy"]);
  });
});

test("the last part of a name that says something", () => {
  const names = [
    "evaluate.metrics.accuracy",
    "e.m.mse.value",
    "value",
    "e.returned.['accuracy']",
    'e.r["a b"].value',
    "a[0]",
  ];
  expect(names.map(lastPart)).toEqual(["accuracy", "mse", "value", "accuracy", "a b", "0"]);
});

describe("a log", () => {
  const lines = readLog({
    lines: [
      { time: "2026-01-01T00:00:02Z", message: "loss: 2; loss: 9" },
      { time: "2026-01-01T00:00:01Z", message: "loss: 3" },
      { time: "soon", message: "loss: 1" },
      { time: "2026-01-01T00:00:03Z", message: "loss: nan" },
      { time: "2026-01-01T00:00:04Z" },
      "a line",
    ],
  });

  test("has lines with their times; what has no message is none", () => {
    expect(lines).toEqual([
      { time: 1_767_225_602_000, message: "loss: 2; loss: 9" },
      { time: 1_767_225_601_000, message: "loss: 3" },
      { time: null, message: "loss: 1" },
      { time: 1_767_225_603_000, message: "loss: nan" },
    ]);
  });

  test("gives the points of metrics in order of time, by the job's own definitions", () => {
    const definitions = readDefinitions({
      AlgorithmSpecification: {
        MetricDefinitions: [
          { Name: "loss", Regex: "loss: ([0-9.]+|nan)" },
          { Name: "accuracy", Regex: "accuracy: (.*)" },
          { Name: "broken", Regex: "(" },
          { Name: "without a regex" },
        ],
      },
    });
    expect(definitions.map(({ name }) => name)).toEqual(["loss", "accuracy"]);
    expect(curvesOf(lines, definitions)).toEqual([
      {
        name: "loss",
        points: [
          { time: 1_767_225_601_000, value: 3 },
          { time: 1_767_225_602_000, value: 2 },
        ],
      },
    ]);
    expect(readDefinitions(null)).toEqual([]);
  });
});

describe("forged values", () => {
  const MEMBERS = ["constructor", "__proto__", "toString", "hasOwnProperty"];

  test("a status, a state and an operator that every object of JavaScript has as a member are unknown", () => {
    expect(MEMBERS.map(ofStatus)).toEqual(["Unknown", "Unknown", "Unknown", "Unknown"]);
    expect(MEMBERS.map(ofState)).toEqual(["Unknown", "Unknown", "Unknown", "Unknown"]);
    expect(MEMBERS.map(sign)).toEqual(["constructor", "__proto__", "tostring", "hasownproperty"]);
  });

  test("an ARN of such a partition leads to no console", () => {
    expect(MEMBERS.map((name) => s3Console("s3://b/x", `arn:${name}:sagemaker:r:1:x`))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test("long addresses are read at once", () => {
    const from = performance.now();
    expect(s3Console(`s3://b/${"a.".repeat(100_000)}`, "arn:aws:s3:::x")).toContain("/s3/buckets/b?");
    expect(lastSegment(`${"/".repeat(200_000)}x`)).toBe("x");
    expect(performance.now() - from).toBeLessThan(500);
  });

  test("thousands of names have their labels at once", () => {
    const paths = Array.from({ length: 20_000 }, (_, index) => [`task${index % 2}`, "file", `metric${index >> 1}`]);
    const from = performance.now();
    expect(shortestLabels(paths).slice(0, 2)).toEqual(["task0 · file · metric0", "task1 · file · metric0"]);
    expect(performance.now() - from).toBeLessThan(1000);
  });

  test("a duration without an end is nothing", () => {
    expect([Number.POSITIVE_INFINITY, Number.NaN].map(formatDuration)).toEqual(["—", "—"]);
  });
});
