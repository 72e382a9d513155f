/** What the launch and the steps' tasks pushed as XComs, read into records whose every member is known to be right or null. */

import { flag, type JsonObject, members, number, object, objects, own, scalarText, text, texts, time } from "./reading";

export interface PipelineParameter {
  name: string;
  value: string | null;
  /** Where the value was lifted from; null for a parameter that the author declared. */
  place: string | null;
  default: string | null;
}

export interface StatedCondition {
  text: string;
  /** STEP.PROPERTYFILE.PATH, where the condition is that simple. */
  metric: string | null;
  operator: string | null;
  value: number | null;
}

export interface ReportedStep {
  name: string;
  type: string;
  taskId: string | null;
  dependsOn: string[];
  branch: { condition: string; side: string } | null;
  /** The ForEach whose body it belongs to. */
  inEach: string | null;
  /** Of a ForEach: how many items it has. */
  items: number | null;
  conditions: StatedCondition[];
}

export interface PipelineReport {
  pipeline: string | null;
  execution: string | null;
  version: number | null;
  changes: string[];
  created: boolean;
  links: Record<string, string>;
  parameters: PipelineParameter[];
  code: string[];
  assets: { uri: string; timestamp: number | null }[];
  steps: ReportedStep[];
}

export interface Phase {
  name: string;
  start: number | null;
  end: number | null;
}

export interface Job {
  kind: string | null;
  start: number | null;
  end: number | null;
  /** Per instance. */
  seconds: number | null;
  billableSeconds: number | null;
  phases: Phase[];
  metrics: Record<string, number>;
  best: { name: string | null; metric: string | null; value: number | null } | null;
}

export interface ModelPackage {
  group: string | null;
  version: number | null;
  approvalStatus: string | null;
}

export interface StepReport {
  status: string | null;
  jobArn: string | null;
  outputs: Record<string, string>;
  start: number | null;
  end: number | null;
  attempt: number | null;
  cache: { hit: boolean | null; sourceExecution: string | null; miss: string | null } | null;
  instance: { type: string; count: number } | null;
  reason: string | null;
  job: Job | null;
  modelPackage: ModelPackage | null;
  request: JsonObject | null;
  links: Record<string, string>;
  leftOut: string[];
}

export interface Comparison {
  text: string;
  holds: boolean | null;
  operands: { name: string | null; value: unknown }[];
  operator: string | null;
}

export interface Outcome {
  holds: boolean | null;
  comparisons: Comparison[];
}

/** One XCom as the plugin's route gives it. */
export interface Entry {
  runId: string;
  taskId: string;
  mapIndex: number;
  key: string;
  value: unknown;
}

export const readEntries = (answer: unknown): Entry[] =>
  objects(object(answer)?.reports).flatMap((entry) => {
    const [runId, taskId, key] = [text(entry.run_id), text(entry.task_id), text(entry.key)];
    if (runId === null || taskId === null || key === null) return [];
    return [{ runId, taskId, mapIndex: number(entry.map_index) ?? -1, key, value: entry.value }];
  });

export const readPipelineReport = (value: unknown): PipelineReport | null => {
  const report = object(value);
  if (report === null) return null;
  const parameters = objects(report.parameters).flatMap((parameter) => readParameter(parameter) ?? []);
  const steps = objects(report.steps).flatMap((step) => readStep(step, parameters) ?? []);
  const names = new Set<string>();
  return {
    pipeline: text(report.pipeline),
    execution: text(report.execution),
    version: number(report.version),
    changes: texts(report.changes),
    created: flag(report.created) ?? false,
    links: members(report.links, text),
    parameters,
    code: texts(report.code),
    assets: objects(report.assets).flatMap((asset) => {
      const uri = text(asset.uri);
      return uri === null ? [] : [{ uri, timestamp: time(asset.timestamp) }];
    }),
    // A pipeline has no two steps of one name.
    steps: steps.filter(({ name }) => !names.has(name) && names.add(name)),
  };
};

const readParameter = (parameter: JsonObject): PipelineParameter | null => {
  const name = text(parameter.name);
  if (name === null) return null;
  return {
    name,
    value: scalarText(parameter.value),
    place: text(parameter.place),
    default: scalarText(parameter.default),
  };
};

const readStep = (step: JsonObject, parameters: PipelineParameter[]): ReportedStep | null => {
  const name = text(step.name);
  if (name === null) return null;
  const branch = object(step.branch);
  const condition = text(branch?.condition);
  return {
    name,
    type: text(step.type) ?? "Step",
    taskId: text(step.task_id),
    dependsOn: texts(step.depends_on),
    branch: condition === null ? null : { condition, side: text(branch?.side) ?? "if" },
    inEach: text(step.in_each),
    items: number(step.items),
    conditions: objects(step.conditions).map((stated) => readCondition(stated, parameters)),
  };
};

/** A comparison before it is decided: of a metric with a number, or with a parameter that is one. */
const readCondition = (stated: JsonObject, parameters: PipelineParameter[]): StatedCondition => {
  const [left, right, ...others] = objects(stated.operands);
  const isPlain = left !== undefined && right !== undefined && others.length === 0;
  const name = text(right?.name)?.replace(/^Parameters\./, "");
  const parameter = parameters.find((one) => one.name === name);
  const sent = parameter === undefined ? null : (parameter.value ?? parameter.default);
  return {
    text: text(stated.comparison) ?? "",
    metric: isPlain ? text(left.name) : null,
    operator: text(stated.operator),
    value: !isPlain
      ? null
      : name === undefined
        ? number(right.value)
        : sent === null || sent.trim() === ""
          ? null
          : number(Number(sent)),
  };
};

export const readStepReport = (value: unknown): StepReport | null => {
  const report = object(value);
  if (report === null) return null;
  const times = object(report.times);
  const cache = object(report.cache);
  const instance = object(report.instance);
  const instanceType = text(instance?.type);
  return {
    status: text(report.status),
    jobArn: text(report.job_arn),
    outputs: members(report.outputs, scalarText),
    start: time(times?.start),
    end: time(times?.end),
    attempt: number(report.attempt),
    cache:
      cache === null
        ? null
        : { hit: flag(cache.hit), sourceExecution: text(cache.source_execution), miss: text(cache.miss) },
    instance: instanceType === null ? null : { type: instanceType, count: number(instance?.count) ?? 1 },
    reason: text(report.reason),
    job: readJob(report.job),
    modelPackage: readModelPackage(report.model_package),
    request: object(report.request),
    links: {},
    leftOut: texts(report.left_out),
  };
};

const readJob = (value: unknown): Job | null => {
  const job = object(value);
  if (job === null) return null;
  const best = object(job.best);
  return {
    kind: text(job.kind),
    start: time(job.start),
    end: time(job.end),
    seconds: number(job.seconds),
    billableSeconds: number(job.billable_seconds),
    phases: objects(job.phases).map((phase) => ({
      name: text(phase.name) ?? "—",
      start: time(phase.start),
      end: time(phase.end),
    })),
    metrics: members(job.metrics, number),
    best: best === null ? null : { name: text(best.name), metric: text(best.metric), value: number(best.value) },
  };
};

const readModelPackage = (value: unknown): ModelPackage | null => {
  const found = object(value);
  if (found === null) return null;
  return {
    group: text(found.group),
    version: number(found.version),
    approvalStatus: text(found.approval_status),
  };
};

export const readOutcome = (value: unknown): Outcome | null => {
  const outcome = object(value);
  if (outcome === null) return null;
  return {
    holds: flag(outcome.holds),
    comparisons: objects(outcome.comparisons).map((comparison) => ({
      text: text(comparison.comparison) ?? "",
      holds: flag(comparison.holds),
      operands: objects(comparison.operands).map((operand) => ({ name: text(operand.name), value: operand.value })),
      operator: text(comparison.operator),
    })),
  };
};

/** What a task for a whole execution pushed of a step, and what the plugin's `steps` route tells of it. */
export interface ToldStep {
  name: string;
  type: string | null;
  status: string | null;
  reason: string | null;
  start: number | null;
  end: number | null;
  attempt: number | null;
  cacheSource: string | null;
  /** Of a condition that is decided. */
  outcome: boolean | null;
}

export interface ToldExecution {
  status: string | null;
  steps: ToldStep[];
}

export const readExecution = (answer: unknown): ToldExecution => ({
  status: text(object(answer)?.status),
  steps: objects(object(answer)?.steps).flatMap((step) => {
    const name = text(step.name);
    if (name === null) return [];
    return [
      {
        name,
        type: text(step.type),
        status: text(step.status),
        reason: text(step.reason),
        start: time(step.start),
        end: time(step.end),
        attempt: number(step.attempt),
        cacheSource: text(step.cache_source),
        outcome: flag(step.outcome),
      },
    ];
  }),
});

/** What one task (or one item of a mapped task) pushed. */
export interface TaskReports {
  pipeline: PipelineReport | null;
  execution: ToldExecution | null;
  step: StepReport | null;
  propertyFiles: Record<string, unknown>;
  outcome: Outcome | null;
  links: Record<string, string>;
}

const NOTHING: TaskReports = {
  pipeline: null,
  execution: null,
  step: null,
  propertyFiles: {},
  outcome: null,
  links: {},
};

/** Airflow's XComs of the links of a step's task, by what the links show. */
const LINKS: Record<string, string> = { _link_SageMakerJobLink: "job", _link_CloudWatchLogLink: "log" };

/** The entries of one run, by task and map index. */
export class RunReports {
  private readonly byTask = new Map<string, Map<number, TaskReports>>();

  constructor(entries: Iterable<Entry>) {
    for (const entry of entries) {
      const items = this.byTask.get(entry.taskId) ?? new Map<number, TaskReports>();
      this.byTask.set(entry.taskId, items);
      const reports = { ...(items.get(entry.mapIndex) ?? NOTHING) };
      if (entry.key === "pipeline_report") reports.pipeline = readPipelineReport(entry.value);
      else if (entry.key === "execution_report") reports.execution = readExecution(entry.value);
      else if (entry.key === "step_report") reports.step = readStepReport(entry.value);
      else if (entry.key === "property_files") reports.propertyFiles = object(entry.value) ?? {};
      else if (entry.key === "outcome") reports.outcome = readOutcome(entry.value);
      const [shows, address] = [own(LINKS, entry.key), text(entry.value)];
      if (shows !== undefined && address !== null) reports.links = { ...reports.links, [shows]: address };
      if (reports.step !== null) reports.step = { ...reports.step, links: reports.links };
      items.set(entry.mapIndex, reports);
    }
  }

  of(taskId: string, mapIndex = -1): TaskReports {
    return this.byTask.get(taskId)?.get(mapIndex) ?? NOTHING;
  }

  /** Map indexes for which a task pushed something, in order. */
  mapIndexes(taskId: string): number[] {
    return [...(this.byTask.get(taskId)?.keys() ?? [])].sort((one, other) => one - other);
  }

  /** Task ids, in order. */
  taskIds(): string[] {
    return [...this.byTask.keys()].sort();
  }
}

/** The entries of several runs, by run. */
export const byRun = (entries: Entry[]): Map<string, RunReports> => {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) {
    const ofRun = found.get(entry.runId);
    if (ofRun === undefined) found.set(entry.runId, [entry]);
    else ofRun.push(entry);
  }
  return new Map([...found].map(([runId, ofRun]) => [runId, new RunReports(ofRun)]));
};
