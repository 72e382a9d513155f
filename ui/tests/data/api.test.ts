import { afterEach, describe, expect, test, vi } from "vitest";
import {
  clearTasks,
  failRun,
  fetchLog,
  fetchPrices,
  fetchReports,
  fetchRuns,
  fetchTaskInstance,
  fetchTaskInstances,
} from "../../src/data/api";
import { type Answer, DAG, type Host, mockFetch, mockLargeRun, mockRun, mockRuns } from "../mock";

const serve = (host: Partial<Host>): Host => {
  const whole: Host = { runs: [], asked: [], ...host };
  vi.stubGlobal("fetch", mockFetch(whole));
  return whole;
};

const refuse = (answer: Answer) => serve({ override: () => answer });

afterEach(() => {
  vi.unstubAllGlobals();
  document.head.replaceChildren();
});

describe("what is asked for", () => {
  test("all task instances of a run are read, a hundred at a time", async () => {
    const run = mockLargeRun(150);
    const host = serve({ runs: [run] });
    const found = await fetchTaskInstances(DAG, run.dag_run_id);
    expect(found).toHaveLength(151);
    const path = `GET /api/v2/dags/${DAG}/dagRuns/${run.dag_run_id}/taskInstances`;
    expect(host.asked).toEqual([`${path}?limit=100&offset=0`, `${path}?limit=100&offset=100`]);
  });

  test("the reports of runs with long ids are asked for in several requests that proxies let through", async () => {
    const runs = mockRuns(50).map((run, index) => ({ ...run, dag_run_id: `${"é".repeat(40)}${index}` }));
    const entries = runs.map((run) => ({ ...run.entries[0], run_id: run.dag_run_id }));
    const asked: string[] = [];
    serve({
      override: (path) => {
        asked.push(path);
        const ids = new URL(path, "http://airflow").searchParams.getAll("run_id");
        return { status: 200, body: { reports: entries.filter((entry) => ids.includes(String(entry.run_id))) } };
      },
    });
    const found = await fetchReports(
      DAG,
      runs.map((run) => run.dag_run_id),
    );
    expect(found.map((entry) => entry.runId)).toEqual(runs.map((run) => run.dag_run_id));
    expect(asked).toHaveLength(3);
    expect(asked.every((path) => path.length < 7000)).toBe(true);
  });

  test("runs are listed fifty at a time, the newest first", async () => {
    const host = serve({ runs: mockRuns(60) });
    const { runs, total } = await fetchRuns(DAG, 50);
    expect([runs.length, total]).toEqual([10, 60]);
    expect(host.asked).toEqual([`GET /api/v2/dags/${DAG}/dagRuns?limit=50&offset=50&order_by=-run_after`]);
  });

  test("the reports of several runs are one request, and none of no run", async () => {
    const runs = mockRuns(2);
    const host = serve({ runs });
    const ids = runs.map((run) => run.dag_run_id);
    const entries = await fetchReports(DAG, ids);
    expect(new Set(entries.map((entry) => entry.runId))).toEqual(new Set(ids));
    expect(await fetchReports(DAG, [])).toEqual([]);
    expect(host.asked).toHaveLength(1);
  });

  test("ids are quoted, and Airflow may be served below a path", async () => {
    document.head.innerHTML = '<base href="https://host.example/airflow/" />';
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (address: URL) => {
      asked.push(address.href);
      return new Response("{}");
    });
    await fetchTaskInstance("a/b", "r+1", "g.t", 2);
    await fetchLog({ dagId: "d", runId: "r 1", taskId: "t", mapIndex: -1 }, 100);
    expect(asked).toEqual([
      "https://host.example/airflow/api/v2/dags/a%2Fb/dagRuns/r%2B1/taskInstances/g.t/2",
      "https://host.example/airflow/sagemaker-pipelines/dags/d/runs/r%201/tasks/t/-1/log?lines=100",
    ]);
  });

  test("a repair clears the tasks with what is behind them, a stop marks the run as failed", async () => {
    const bodies: unknown[] = [];
    const host = serve({
      override: (_, init) => {
        bodies.push(JSON.parse(String(init?.body)));
        return { status: 200, body: {} };
      },
    });
    await clearTasks(DAG, "r", ["pipe.train", ["pipe.fit", 3]]);
    await failRun(DAG, "r");
    expect(host.asked).toEqual([`POST /api/v2/dags/${DAG}/clearTaskInstances`, `PATCH /api/v2/dags/${DAG}/dagRuns/r`]);
    expect(bodies).toEqual([
      {
        dag_run_id: "r",
        task_ids: ["pipe.train", ["pipe.fit", 3]],
        include_downstream: true,
        only_failed: false,
        reset_dag_runs: true,
        dry_run: false,
      },
      { state: "failed" },
    ]);
  });
});

describe("errors", () => {
  test("are one sentence each", async () => {
    const message = async (answer: Answer): Promise<string> => {
      refuse(answer);
      return fetchPrices(DAG).then(
        () => "no error",
        (error: Error) => error.message,
      );
    };
    expect([
      await message({ status: 401, body: { detail: "Not authenticated" } }),
      await message({ status: 403, body: { detail: "Forbidden" } }),
      await message({ status: 404, body: {} }),
      await message({ status: 422, body: { detail: [{ msg: "wrong" }] } }),
      await message({ status: 502, body: { detail: "The API server has no AWS credentials." } }),
    ]).toEqual([
      "Your session has ended: log in to Airflow again.",
      "Your Airflow role does not allow this for this Dag.",
      "Airflow does not know this.",
      "Airflow answered with the error 422.",
      "The API server has no AWS credentials.",
    ]);
  });

  test("a host that does not answer, and an answer that is not JSON", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(fetchPrices(DAG)).rejects.toThrow("Airflow cannot be reached.");
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>", { status: 500 })));
    await expect(fetchPrices(DAG)).rejects.toThrow("Airflow answered with the error 500.");
  });

  test("what is aborted is not an error of the host", async () => {
    serve({ runs: [mockRun(0)] });
    const controller = new AbortController();
    controller.abort(new Error("left"));
    await expect(fetchPrices(DAG, controller.signal)).rejects.toThrow("left");
  });
});
