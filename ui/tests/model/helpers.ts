import { readTaskInstances } from "../../src/model/airflow";
import { buildRun, type Execution } from "../../src/model/execution";
import { RunReports, readEntries } from "../../src/model/reports";
import type { MockRun } from "../mock";

/** The executions of a mock run, read as the app reads what the host answers. */
export const viewOf = (run: MockRun) =>
  buildRun(readTaskInstances({ task_instances: run.instances }), new RunReports(readEntries({ reports: run.entries })));

export const executionOf = (run: MockRun): Execution => {
  const [execution] = viewOf(run).executions;
  if (execution === undefined) throw new Error("the run has no execution");
  return execution;
};

/** What is told of a step by its name. */
export const stepOf = (execution: Execution, name: string) => {
  const step = execution.steps.find((one) => one.name === name);
  if (step === undefined) throw new Error(`no step ${name}`);
  return step;
};
