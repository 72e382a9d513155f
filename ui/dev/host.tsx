/** Stands for Airflow's page: `?view=run|models|step&case=...&theme=dark`. */

import * as ChakraUI from "@chakra-ui/react";
import * as EmotionReact from "@emotion/react";
import { defaultSystem } from "airflow-theme";
import React, { type ComponentType } from "react";
import * as ReactJSXRuntime from "react/jsx-runtime";
import * as ReactDOM from "react-dom";
import { createRoot } from "react-dom/client";
import * as ReactRouterDOM from "react-router-dom";
import {
  DAG,
  type Host,
  type MockRun,
  mockEachRun,
  mockFetch,
  mockLargeRun,
  mockPlainRun,
  mockRun,
  mockRuns,
  mockUnlaunchedRun,
  mockWholeRun,
  PRICES,
} from "../tests/mock";

/** Names and texts as nobody would choose them. */
const forge = (run: MockRun): MockRun =>
  JSON.parse(
    JSON.stringify(run)
      .replaceAll("accuracy", `__proto__${"<b>x</b>".repeat(20)}`)
      .replaceAll('"Train"', '"constructor"')
      .replaceAll("validation:rmse", "toString".repeat(20))
      .replaceAll("AlgorithmError", `\u202e${"W".repeat(3000)}`),
  ) as MockRun;

const CASES: Record<string, () => MockRun[]> = {
  success: () => [mockRun(0)],
  else: () => [mockRun(0, { accuracy: 0.81 })],
  failed: () => [mockRun(0, { state: "failed", failing: "Train" })],
  running: () => [mockRun(0, { state: "running", reached: 3 })],
  each: () => [mockEachRun()],
  whole: () => [mockWholeRun()],
  large: () => [mockLargeRun()],
  plain: () => [mockPlainRun()],
  unlaunched: () => [mockUnlaunchedRun()],
  many: () => mockRuns(30),
  thousand: () => mockRuns(1000),
  forged: () => [forge(mockRun(0)), forge(mockRun(1, { state: "failed", failing: "Train" }))],
};

const query = new URLSearchParams(globalThis.location.search);
const asked = query.get("case") ?? "success";
const host: Host = { runs: (CASES[asked] ?? CASES.success)?.() ?? [], prices: PRICES, asked: [] };
if (asked === "forbidden") host.override = () => ({ status: 403, body: { detail: "Forbidden" } });
if (asked === "noaws") {
  host.override = (path) =>
    /\/(log|model-package|steps)(\?|$)/.test(path)
      ? { status: 502, body: { detail: "The API server has no AWS credentials." } }
      : undefined;
}
globalThis.fetch = mockFetch(host);
document.documentElement.className = query.get("theme") ?? "light";

for (const [name, value] of Object.entries({
  React,
  ReactDOM,
  ReactJSXRuntime,
  ReactRouterDOM,
  ChakraUI,
  EmotionReact,
})) {
  Reflect.set(globalThis, name, value);
}

const NAMES: Record<string, string> = { run: "SageMaker", models: "Models", step: "Step" };
const PROPS = {
  dagId: DAG,
  runId: host.runs[0]?.dag_run_id,
  taskId: query.get("task") ?? "pipe.train",
  mapIndex: query.get("map") ?? "-1",
};

await import("../src/main");
const Tab = Reflect.get(globalThis, NAMES[query.get("view") ?? "run"] ?? "SageMaker") as ComponentType<typeof PROPS>;
createRoot(document.querySelector("#root") as HTMLElement).render(
  <ChakraUI.ChakraProvider value={defaultSystem}>
    <ReactRouterDOM.MemoryRouter>
      <Tab {...PROPS} />
    </ReactRouterDOM.MemoryRouter>
  </ChakraUI.ChakraProvider>,
);
