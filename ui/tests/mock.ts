/** Runs of a Dag as Airflow and the plugin's routes tell of them, and a `fetch` that answers with them. */

export const DAG = "abalone_training";
export const PIPELINE_ARN = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/abalone";
const START = Date.parse("2026-11-27T09:00:00Z");

export interface MockEntry {
  run_id: string;
  task_id: string;
  map_index: number;
  key: string;
  value: unknown;
}

export interface MockInstance {
  task_id: string;
  map_index: number;
  rendered_map_index: string | null;
  state: string | null;
  start_date: string | null;
  end_date: string | null;
  try_number: number;
  operator: string;
}

export interface MockRun {
  dag_run_id: string;
  run_after: string;
  start_date: string | null;
  end_date: string | null;
  state: string;
  run_type: string;
  logical_date: string | null;
  instances: MockInstance[];
  entries: MockEntry[];
}

const iso = (second: number, from = START): string => new Date(from + second * 1000).toISOString();

interface Timed {
  name: string;
  type: string;
  from: number;
  to: number;
  after?: string[];
  branch?: { condition: string; side: string };
  kind?: string;
  instance?: string;
  count?: number;
  billable?: number;
  metrics?: Record<string, number>;
  cached?: boolean;
  attempt?: number;
  reason?: string;
}

const HASH = "a3f1".repeat(16);

const jobOf = (step: Timed, from: number) => {
  if (step.kind === undefined || step.cached) return null;
  const seconds = step.to - step.from - 8;
  return {
    kind: step.kind,
    start: iso(step.from + 8, from),
    end: iso(step.to, from),
    seconds,
    billable_seconds: step.billable ?? seconds,
    phases:
      step.kind === "training"
        ? [
            { name: "Starting", start: iso(step.from + 8, from), end: iso(step.from + 40, from) },
            { name: "Downloading", start: iso(step.from + 40, from), end: iso(step.from + 62, from) },
            { name: "Training", start: iso(step.from + 62, from), end: iso(step.to - 20, from) },
            { name: "Uploading", start: iso(step.to - 20, from), end: iso(step.to, from) },
          ]
        : [],
    metrics: step.metrics ?? {},
    best: null,
  };
};

const JOB_PAGE = "https://eu-central-1.console.aws.amazon.com/sagemaker/home?region=eu-central-1#/jobs/x1";

const TRAINING = {
  EnableManagedSpotTraining: true,
  AlgorithmSpecification: {
    MetricDefinitions: [
      { Name: "validation:rmse", Regex: "validation-rmse:([0-9.]+)" },
      { Name: "train:rmse", Regex: "train-rmse:([0-9.]+)" },
    ],
  },
};

export const stepReport = (step: Timed, from = START) => ({
  status: step.reason === undefined ? "Succeeded" : "Failed",
  job_arn:
    step.kind === undefined ? null : `arn:aws:sagemaker:eu-central-1:123456789012:${step.kind}-job/${step.name}-x1`,
  outputs: step.kind === "processing" ? { train: `s3://models/abalone/${step.name}/train` } : {},
  times: { start: iso(step.from, from), end: iso(step.to, from) },
  attempt: step.attempt ?? 0,
  cache: step.cached
    ? { hit: true, source_execution: `${PIPELINE_ARN}/execution/earlier1`, miss: null }
    : { hit: false, source_execution: null, miss: "no execution of the last 30 days had the same arguments" },
  instance: step.instance === undefined ? null : { type: step.instance, count: step.count ?? 1 },
  reason: step.reason ?? null,
  job: jobOf(step, from),
  model_package: null as unknown,
  request: {
    ProcessingInputs: [{ InputName: "raw", S3Input: { S3Uri: "s3://data/raw/abalone.csv" } }],
    ProcessingResources: { ClusterConfig: { InstanceCount: 1, InstanceType: step.instance ?? null } },
    ...(step.kind === "training" ? TRAINING : {}),
  },
  left_out: ["request.Environment"],
});

const STEPS: Timed[] = [
  {
    name: "Prepare",
    type: "Processing",
    from: 12,
    to: 15,
    kind: "processing",
    instance: "ml.m5.xlarge",
    cached: true,
  },
  {
    name: "Train",
    type: "Training",
    from: 140,
    to: 440,
    after: ["Prepare"],
    kind: "training",
    instance: "ml.m5.2xlarge",
    count: 2,
    billable: 120,
    metrics: { "validation:rmse": 2.1034 },
    attempt: 2,
  },
  {
    name: "Baseline",
    type: "Processing",
    from: 138,
    to: 260,
    after: ["Prepare"],
    kind: "processing",
    instance: "ml.m5.xlarge",
  },
  {
    name: "Evaluate",
    type: "Processing",
    from: 452,
    to: 540,
    after: ["Train"],
    kind: "processing",
    instance: "ml.m5.xlarge",
  },
  { name: "GoodEnough", type: "Condition", from: 541, to: 543, after: ["Evaluate"] },
  {
    name: "Register",
    type: "RegisterModel",
    from: 545,
    to: 552,
    after: ["Train"],
    branch: { condition: "GoodEnough", side: "if" },
  },
  {
    name: "Score",
    type: "Transform",
    from: 555,
    to: 755,
    after: ["Register", "Baseline"],
    branch: { condition: "GoodEnough", side: "if" },
    kind: "transform",
    instance: "ml.m5.large",
  },
  { name: "TooBad", type: "Fail", from: 0, to: 0, branch: { condition: "GoodEnough", side: "else" } },
];

const taskOf = (name: string): string => `pipe.${name.toLowerCase()}`;

const pipelineReport = (steps: Timed[], index: number) => ({
  pipeline: "abalone",
  execution: `${PIPELINE_ARN}/execution/ex${String(index).padStart(10, "0")}`,
  version: 3 + index,
  changes: ["step 'Train' HyperParameters.trees 100 → 200"],
  created: false,
  links: {
    execution: "https://studio-d-1.studio.eu-central-1.sagemaker.aws/pipelines/view/abalone/executions/ex/graph",
  },
  parameters: [
    { name: "prepare-fraction", value: "0.2", place: "step 'Prepare' ContainerArguments[1]", default: null },
    { name: "Trees", value: String(100 + (index % 3) * 50), place: null, default: "100" },
  ],
  code: [
    `s3://models/code/${HASH}/prepare.py`,
    `s3://models/code/${String(index % 4).repeat(4)}${HASH.slice(4)}/train.py`,
  ],
  assets: [{ uri: "s3://data/raw", timestamp: iso(-30) }],
  steps: steps.map((step) => ({
    name: step.name,
    type: step.type,
    task_id: taskOf(step.name),
    depends_on: step.after ?? [],
    branch: step.branch ?? null,
    in_each: null,
    items: null,
    conditions:
      step.type === "Condition"
        ? [
            {
              comparison: "evaluate.metrics.accuracy >= 0.9",
              holds: null,
              operator: ">=",
              operands: [{ name: "evaluate.metrics.accuracy" }, { name: null, value: 0.9 }],
            },
          ]
        : [],
  })),
});

export const instance = (
  task_id: string,
  state: string | null,
  start: string | null,
  end: string | null,
  operator = "SageMakerProcessingStepOperator",
  map_index = -1,
): MockInstance => ({
  task_id,
  map_index,
  rendered_map_index: null,
  state,
  start_date: start,
  end_date: end,
  try_number: state === null ? 0 : 1,
  operator,
});

export const outcomeOf = (accuracy: number, least = 0.9) => ({
  holds: accuracy >= least,
  comparisons: [
    {
      comparison: `evaluate.metrics.accuracy (${accuracy}) >= ${least}`,
      holds: accuracy >= least,
      operands: [
        { name: "evaluate.metrics.accuracy", value: accuracy },
        { name: null, value: least },
      ],
      operator: ">=",
    },
  ],
});

/**
 * A run of the example pipeline.
 *
 * @param reached how many steps have ended; the next one executes when the state is "running".
 */
export const mockRun = (
  index: number,
  {
    state = "success",
    accuracy = 0.956,
    reached = STEPS.length,
    failing,
  }: { state?: string; accuracy?: number; reached?: number; failing?: string } = {},
): MockRun => {
  const from = START + index * 86_400_000;
  const run_id = `scheduled__${iso(0, from)}`;
  const entries: MockEntry[] = [];
  const push = (task_id: string, key: string, value: unknown, map_index = -1) =>
    entries.push({ run_id, task_id, map_index, key, value });
  push("pipe.launch", "pipeline_report", pipelineReport(STEPS, index));
  const instances = [
    instance("pipe.launch", "success", iso(1, from), iso(9, from), "SageMakerPipelineLaunchOperator"),
    instance("notify", state === "success" ? "success" : null, null, null, "PythonOperator"),
  ];
  const holds = accuracy >= 0.9;
  let hasFailed = false;
  STEPS.forEach((step, at) => {
    const task = taskOf(step.name);
    const operator = `SageMaker${step.type}StepOperator`;
    const isLeftOut = step.branch !== undefined && (step.branch.side === "if") !== holds;
    if (hasFailed) {
      instances.push(instance(task, "upstream_failed", null, null, operator));
    } else if (at >= reached) {
      const isNext = at === reached && state === "running";
      instances.push(instance(task, isNext ? "deferred" : null, isNext ? iso(step.from, from) : null, null, operator));
    } else if (isLeftOut) {
      instances.push(instance(task, "skipped", iso(544, from), iso(544, from), operator));
    } else {
      const isFailing = step.name === failing;
      hasFailed = isFailing;
      const report = stepReport(
        isFailing ? { ...step, reason: "AlgorithmError: the training data is empty, exit code 1" } : step,
        from,
      );
      if (step.name === "Register") {
        report.model_package = {
          group: "abalone",
          version: index + 1,
          approval_status: index % 3 === 0 ? "Approved" : "PendingManualApproval",
        };
      }
      push(task, "step_report", report);
      push(task, "_link_SageMakerJobLink", JOB_PAGE);
      if (step.name === "Evaluate") {
        push(task, "property_files", {
          metrics: {
            accuracy,
            regression: { mse: { value: 4.9 - accuracy, standard_deviation: 0.2 } },
            verdict: holds ? "good" : "bad",
          },
        });
      }
      if (step.type === "Condition") push(task, "outcome", outcomeOf(accuracy));
      instances.push(
        instance(task, isFailing ? "failed" : "success", iso(step.from, from), iso(step.to, from), operator),
      );
    }
  });
  const isOver = state !== "running";
  return {
    dag_run_id: run_id,
    run_after: iso(0, from),
    start_date: iso(0, from),
    end_date: isOver ? iso(760, from) : null,
    state,
    run_type: "scheduled",
    logical_date: iso(0, from),
    instances,
    entries,
  };
};

/** A run whose pipeline trains one model for each of some items. */
export const mockEachRun = (items = 5): MockRun => {
  const run = mockRun(0);
  const step = (name: string, type: string, more: object) => ({
    name,
    type,
    task_id: taskOf(name),
    depends_on: [] as string[],
    branch: null,
    in_each: null,
    items: null,
    conditions: [],
    ...more,
  });
  const report = {
    ...pipelineReport([], 0),
    steps: [
      step("Prepare", "Processing", {}),
      step("FitEach", "ForEach", { depends_on: ["Prepare"], items, task_id: null }),
      step("Fit", "Training", { in_each: "FitEach" }),
      step("Check", "Processing", { in_each: "FitEach", depends_on: ["Fit"] }),
      step("Choose", "Processing", { depends_on: ["FitEach"] }),
    ],
  };
  const entries: MockEntry[] = [];
  const push = (task_id: string, key: string, value: unknown, map_index = -1) =>
    entries.push({ run_id: run.dag_run_id, task_id, map_index, key, value });
  push("pipe.launch", "pipeline_report", report);
  const instances = [instance("pipe.launch", "success", iso(1), iso(9), "SageMakerPipelineLaunchOperator")];
  const ended = (timed: Timed, map_index = -1, state = "success") => {
    push(
      taskOf(timed.name),
      "step_report",
      stepReport(state === "failed" ? { ...timed, reason: "CapacityError: no ml.p3.2xlarge is free" } : timed),
      map_index,
    );
    push(taskOf(timed.name), "_link_SageMakerJobLink", JOB_PAGE, map_index);
    instances.push({
      ...instance(taskOf(timed.name), state, iso(timed.from), iso(timed.to), timed.type, map_index),
      rendered_map_index: map_index < 0 ? null : `region-${map_index}`,
    });
  };
  const processing = { type: "Processing", kind: "processing", instance: "ml.m5.xlarge" };
  ended({ ...processing, name: "Prepare", from: 10, to: 100 });
  instances.push(instance("pipe.fiteach", "success", iso(101), iso(400), "SageMakerForEachStepOperator"));
  for (let item = 0; item < items; item += 1) {
    const from = 105 + item * 20;
    const fit = { name: "Fit", type: "Training", from, to: from + 150, kind: "training", instance: "ml.p3.2xlarge" };
    const fails = items > 3 && item === 3;
    ended(fit, item, fails ? "failed" : "success");
    if (fails) {
      instances.push(instance("pipe.check", "upstream_failed", null, null, "Processing", item));
    } else {
      ended({ ...processing, name: "Check", from: from + 155, to: from + 200 }, item);
      push("pipe.check", "property_files", { metrics: { accuracy: 0.9 + item / 100 } }, item);
    }
  }
  const isFailed = items > 3;
  if (isFailed) instances.push(instance("pipe.choose", "upstream_failed", null, null));
  else ended({ ...processing, name: "Choose", from: 420, to: 470 });
  return { ...run, state: isFailed ? "failed" : "success", instances, entries };
};

/** A run whose one task executes a whole pipeline. */
export const mockWholeRun = (): MockRun => {
  const run = mockRun(0);
  const report = pipelineReport(STEPS, 0);
  return {
    ...run,
    instances: [instance("run_pipeline", "success", iso(1), iso(700), "SageMakerPipelineOperator")],
    entries: [
      {
        run_id: run.dag_run_id,
        task_id: "run_pipeline",
        map_index: -1,
        key: "pipeline_report",
        value: { ...report, steps: report.steps.map((step) => ({ ...step, task_id: null })) },
      },
    ],
  };
};

/** A run of many steps: lanes of processing steps, each after the one before it and one of its neighbour. */
export const mockLargeRun = (count = 150, width = 10): MockRun => {
  const run = mockRun(0);
  const steps = Array.from({ length: count }, (_, at): Timed => {
    const row = Math.floor(at / width);
    return {
      name: `Step${at}`,
      type: "Processing",
      from: 10 + row * 70 + (at % width) * 2,
      to: 70 + row * 70 + (at % width) * 2,
      after: row === 0 ? [] : [...new Set([`Step${at - width}`, `Step${(row - 1) * width + ((at + 3) % width)}`])],
      kind: "processing",
      instance: "ml.m5.xlarge",
    };
  });
  return {
    ...run,
    instances: [
      instance("pipe.launch", "success", iso(1), iso(9), "SageMakerPipelineLaunchOperator"),
      ...steps.map((step) => instance(taskOf(step.name), "success", iso(step.from), iso(step.to))),
    ],
    entries: [
      {
        run_id: run.dag_run_id,
        task_id: "pipe.launch",
        map_index: -1,
        key: "pipeline_report",
        value: pipelineReport(steps, 0),
      },
      ...steps.map((step) => ({
        run_id: run.dag_run_id,
        task_id: taskOf(step.name),
        map_index: -1,
        key: "step_report",
        value: stepReport(step),
      })),
    ],
  };
};

/** A run of a Dag without any pipeline. */
export const mockPlainRun = (): MockRun => ({
  ...mockRun(0),
  instances: [instance("hello", "success", iso(1), iso(2), "PythonOperator")],
  entries: [],
});

/** A run whose pipeline is not launched yet. */
export const mockUnlaunchedRun = (state: string | null = "queued"): MockRun => ({
  ...mockRun(0, { state: "running" }),
  instances: [
    instance("pipe.launch", state, null, null, "SageMakerPipelineLaunchOperator"),
    instance("pipe.prepare", null, null, null),
  ],
  entries: [],
});

/** The accuracy of the mock runs, some below the threshold. */
export const mockAccuracy = (index: number): number =>
  Math.round((0.93 + 0.045 * Math.sin(index * 1.7) + 0.0006 * index) * 10_000) / 10_000;

export const mockRuns = (count: number): MockRun[] =>
  Array.from({ length: count }, (_, index) =>
    index % 11 === 7
      ? mockRun(index, { state: "failed", failing: "Train" })
      : mockRun(index, { accuracy: mockAccuracy(index) }),
  );

export const PRICES = {
  currency: "USD",
  per_hour: {
    processing: { "ml.m5.xlarge": 0.276 },
    training: { "ml.m5.2xlarge": 0.553, "ml.p3.2xlarge": 4.602 },
    transform: {},
  },
};

export const LOG = {
  lines: Array.from({ length: 24 }, (_, at) => ({
    time: iso(200 + at * 8),
    message:
      at === 23
        ? "Training done"
        : `[${at}] train-rmse:${(1.6 + 1.6 * Math.exp(-at / 5)).toFixed(4)} validation-rmse:${(1.9 + 1.4 * Math.exp(-at / 6)).toFixed(4)}`,
  })),
};

export type Answer = { status: number; body: unknown };

export interface Host {
  runs: MockRun[];
  prices?: unknown;
  /** Answers a path before anything else does; undefined to leave it. */
  override?: (path: string, init: RequestInit | undefined) => Answer | undefined;
  /** Every path that was asked for, with its method. */
  asked: string[];
}

const answer = (host: Host, address: URL, init: RequestInit | undefined): Answer => {
  const path = decodeURIComponent(address.pathname);
  const overridden = host.override?.(`${path}${address.search}`, init);
  if (overridden !== undefined) return overridden;
  const ok = (body: unknown): Answer => ({ status: 200, body });
  const missing: Answer = { status: 404, body: { detail: "Not found" } };
  const page = <T>(all: T[]): T[] => {
    const offset = Number(address.searchParams.get("offset") ?? 0);
    return all.slice(offset, offset + Number(address.searchParams.get("limit") ?? 50));
  };
  const runOf = (id: string | undefined) => host.runs.find((run) => run.dag_run_id === id);
  if (/\/api\/v2\/dags\/[^/]+\/dagRuns$/.test(path)) {
    const newestFirst = [...host.runs].sort((one, other) => other.run_after.localeCompare(one.run_after));
    return ok({ dag_runs: page(newestFirst), total_entries: host.runs.length });
  }
  const ofRun = /\/api\/v2\/dags\/[^/]+\/dagRuns\/([^/]+)(?:\/taskInstances(?:\/([^/]+)(?:\/(\d+))?)?)?$/.exec(path);
  if (ofRun !== null) {
    const run = runOf(ofRun[1]);
    if (run === undefined) return missing;
    if (init?.method === "PATCH") return ok({ ...run, ...(JSON.parse(String(init.body)) as object) });
    if (!path.includes("/taskInstances")) return ok(run);
    if (ofRun[2] === undefined) {
      return ok({ task_instances: page(run.instances), total_entries: run.instances.length });
    }
    const wanted = Number(ofRun[3] ?? -1);
    const found = run.instances.find((one) => one.task_id === ofRun[2] && one.map_index === wanted);
    return found === undefined ? missing : ok(found);
  }
  if (path.endsWith("/clearTaskInstances")) return ok({ task_instances: [], total_entries: 0 });
  if (path.endsWith("/reports")) {
    const ids = address.searchParams.getAll("run_id");
    return ok({ reports: ids.flatMap((id) => runOf(id)?.entries ?? []) });
  }
  if (path.endsWith("/prices")) return ok(host.prices ?? { currency: null, per_hour: {} });
  if (path.endsWith("/log")) return ok(LOG);
  if (path.endsWith("/model-package"))
    return ok({ model_package: { group: "abalone", version: 2, approval_status: "Approved" } });
  if (path.endsWith("/steps")) {
    return ok({
      status: "Succeeded",
      steps: STEPS.filter((step) => step.to > 0).map((step) => ({
        name: step.name,
        type: step.type,
        status: "Succeeded",
        reason: null,
        start: iso(step.from),
        end: iso(step.to),
        attempt: 1,
        cache_source: step.cached ? `${PIPELINE_ARN}/execution/earlier1` : null,
        outcome: step.type === "Condition" ? "True" : null,
      })),
    });
  }
  return missing;
};

/** A `fetch` that answers as the host would. */
export const mockFetch =
  (host: Host): typeof fetch =>
  async (input, init) => {
    const address = new URL(String(input instanceof Request ? input.url : input));
    host.asked.push(`${init?.method ?? "GET"} ${decodeURIComponent(address.pathname)}${address.search}`);
    const { status, body } = answer(host, address, init);
    init?.signal?.throwIfAborted();
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  };
