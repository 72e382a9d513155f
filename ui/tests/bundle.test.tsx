/** The bundle that is committed, loaded as Airflow's page loads it. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import * as ChakraUI from "@chakra-ui/react";
import * as EmotionReact from "@emotion/react";
import { render, screen } from "@testing-library/react";
import React, { type ComponentType, createElement } from "react";
import * as ReactJSXRuntime from "react/jsx-runtime";
import * as ReactDOM from "react-dom";
import * as ReactRouterDOM from "react-router-dom";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { DAG, mockFetch, mockRun } from "./mock";

const bundle = readFileSync(resolve(import.meta.dirname, "../../airflow_sm_pipelines/plugins/static/sagemaker.js"));
const NAMES = ["SageMaker", "Models", "Step"];
const HOST = { React, ReactDOM, ReactJSXRuntime, ReactRouterDOM, ChakraUI, EmotionReact };

/** Runs the bundle in this page; it is a script without imports or exports. */
const load = (host: Partial<typeof HOST>): void => {
  for (const name of [...NAMES, ...Object.keys(HOST)]) Reflect.deleteProperty(globalThis, name);
  for (const [name, value] of Object.entries(host)) Reflect.set(globalThis, name, value);
  new Function(bundle.toString())();
};

const tab = (name: string) => Reflect.get(globalThis, name) as ComponentType<Record<string, string>>;

beforeEach(() => {
  vi.unstubAllGlobals();
});

test("it has at most 80 KB gzipped", () => {
  expect(gzipSync(bundle, { level: 9 }).byteLength).toBeLessThanOrEqual(80 * 1024);
});

test("it has no React or Chakra in it, loads nothing, and puts no HTML into the page", () => {
  const text = bundle.toString();
  for (const word of ["react.element", "__SECRET_INTERNALS", "dangerouslySetInnerHTML", "innerHTML", "import("]) {
    expect(text.includes(word), word).toBe(false);
  }
  const hosts = text.match(/https?:\/\/[a-z0-9.-]+/g) ?? [];
  expect(hosts.filter((host) => !host.includes("console"))).toEqual([]);
});

describe("loaded as Airflow's page loads it", () => {
  test("it leaves one function for each tab, again when it is loaded again", () => {
    load(HOST);
    expect(NAMES.map((name) => typeof tab(name))).toEqual(["function", "function", "function"]);
    load(HOST);
    expect(NAMES.map((name) => typeof tab(name))).toEqual(["function", "function", "function"]);
  });

  test("its tab draws a run with the host's own React and Chakra", async () => {
    load(HOST);
    const run = mockRun(0);
    vi.stubGlobal("fetch", mockFetch({ runs: [run], asked: [] }));
    const Tab = tab("SageMaker");
    render(
      <ChakraUI.ChakraProvider value={ChakraUI.defaultSystem}>
        <ReactRouterDOM.MemoryRouter>
          <Tab dagId={DAG} runId={run.dag_run_id} />
        </ReactRouterDOM.MemoryRouter>
      </ChakraUI.ChakraProvider>,
    );
    expect(await screen.findByRole("group", { name: "Graph of 8 steps" })).toBeTruthy();
  });

  test("a tab without the ids of the page draws nothing", () => {
    load(HOST);
    for (const name of NAMES) expect(render(createElement(tab(name), {})).container.textContent).toBe("");
  });

  test("Airflow 3.1 shares no components with plugins: there each tab says what it needs", () => {
    load({ React, ReactDOM, ReactJSXRuntime, ReactRouterDOM });
    for (const name of NAMES) {
      expect(render(createElement(tab(name), { dagId: DAG })).container.textContent).toBe(
        "This tab needs Airflow 3.2 or later.",
      );
    }
  });
});
