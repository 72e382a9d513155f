/** The Gantt chart of an execution: what waited, what ran, and what decided how long the whole took. */

import { type Execution, isUnderWay, type Step, type StepRun } from "./execution";
import { edgesOf } from "./graph";

export type PhaseKind = "starting" | "downloading" | "running" | "uploading" | "interrupted" | "other";

export interface Segment {
  name: string;
  kind: PhaseKind;
  start: number;
  end: number;
}

export interface Lane {
  key: string;
  step: Step;
  run: StepRun;
  label: string;
  /** When what the step waits for had ended; null when that is not known, or nothing was waited. */
  waitFrom: number | null;
  start: number;
  end: number;
  segments: Segment[];
  isCritical: boolean;
}

export interface Timeline {
  start: number;
  end: number;
  lanes: Lane[];
  kinds: PhaseKind[];
}

/** How the service's secondary statuses group. */
export const phaseKind = (name: string): PhaseKind => {
  if (/^(Starting|Launching|Preparing|Pending|Queued)/i.test(name)) return "starting";
  if (/^Download/i.test(name)) return "downloading";
  if (/^Upload/i.test(name)) return "uploading";
  if (/^(Interrupted|Restarting|Stopp)/i.test(name)) return "interrupted";
  if (/^(Training|Processing|Running|InProgress|Transform|Executing)/i.test(name)) return "running";
  return "other";
};

/** A run that has started, with its end (or now). */
interface Timed {
  step: Step;
  run: StepRun;
  start: number;
  end: number;
}

/**
 * Lays the runs of an execution along time, in the order of their starts.
 *
 * @param now the end of what still runs.
 * @returns null when nothing has started.
 */
export const buildTimeline = (execution: Execution, now: number): Timeline | null => {
  const { steps } = execution;
  const critical = criticalPath(steps, now);
  const before = runsBefore(steps, now);
  const bodies = bodiesOf(steps);
  const lanes = steps.flatMap((step) =>
    timed(step, now).map(({ run, start, end }): Lane => {
      const ended = before(step, run).flatMap((other) => other.run.end ?? []);
      const ready = ended.length > 0 ? Math.max(...ended) : execution.start;
      return {
        key: runKey(step, run),
        step,
        run,
        label: run.mapIndex < 0 ? step.name : `${step.name} [${run.label ?? run.mapIndex}]`,
        waitFrom: ready !== null && start - ready >= 1000 ? ready : null,
        start,
        end,
        segments: bodies.has(step.name) ? [{ name: "Items", kind: "other", start, end }] : segmentsOf(run, start, end),
        isCritical: critical.has(runKey(step, run)),
      };
    }),
  );
  if (lanes.length === 0) return null;
  const order = new Map(steps.map((step, index) => [step.name, index]));
  const place = (lane: Lane): number => order.get(lane.step.name) ?? 0;
  lanes.sort(
    (one, other) => one.start - other.start || place(one) - place(other) || one.run.mapIndex - other.run.mapIndex,
  );
  const kinds = new Set(lanes.flatMap((lane) => lane.segments.map((segment) => segment.kind)));
  return {
    start: Math.min(...lanes.map((lane) => lane.waitFrom ?? lane.start)),
    end: Math.max(...lanes.map((lane) => lane.end)),
    lanes,
    kinds: (["starting", "downloading", "running", "uploading", "interrupted", "other"] as const).filter((kind) =>
      kinds.has(kind),
    ),
  };
};

const timed = (step: Step, now: number): Timed[] =>
  step.runs.flatMap((run) => {
    if (run.start === null) return [];
    const end = run.end ?? (isUnderWay(run) ? now : run.start);
    return [{ step, run, start: run.start, end: Math.max(run.start, end) }];
  });

/** The names of the ForEach steps whose bodies are known. */
const bodiesOf = (steps: Step[]): Set<string> => new Set(steps.flatMap((step) => step.inEach ?? []));

export const runKey = (step: Pick<Step, "name">, run: Pick<StepRun, "mapIndex">): string =>
  `${step.name}#${run.mapIndex}`;

const segmentsOf = (run: StepRun, start: number, end: number): Segment[] => {
  const job = run.report?.job ?? null;
  const phases = (job?.phases ?? [])
    .flatMap((phase) => (phase.start === null ? [] : [{ ...phase, start: phase.start }]))
    .sort((one, other) => one.start - other.start)
    .map((phase, index, all): Segment => {
      const until = phase.end ?? all[index + 1]?.start ?? end;
      return { name: phase.name, kind: phaseKind(phase.name), start: phase.start, end: Math.max(phase.start, until) };
    })
    // What an earlier execution did does not belong here: a cache hit, or a clock that is far off.
    .filter((segment) => segment.end >= start - 60_000 && segment.start <= end + 60_000);
  const [first] = phases;
  if (first !== undefined) {
    const lead: Segment[] =
      first.start > start ? [{ name: "Starting", kind: "starting", start, end: first.start }] : [];
    return [...lead, ...phases];
  }
  const jobStart = job?.start ?? null;
  if (jobStart !== null && jobStart > start && jobStart < end) {
    return [
      { name: "Starting", kind: "starting", start, end: jobStart },
      { name: "Running", kind: "running", start: jobStart, end: Math.min(job?.end ?? end, end) },
    ];
  }
  return [{ name: "Running", kind: "running", start, end }];
};

const predecessorsOf = (steps: Step[]): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const { from, to } of edgesOf(steps)) {
    const before = found.get(to);
    if (before === undefined) found.set(to, [from]);
    else before.push(from);
  }
  return found;
};

/**
 * Tells the runs that a run waited for: of an item of a ForEach, those of the same item.
 *
 * Steps without times (skipped, never reached), and a ForEach, which lasts as long as its body, are passed over to what
 * stands before them.
 */
const runsBefore = (steps: Step[], now: number): ((step: Step, run: StepRun) => Timed[]) => {
  const predecessors = predecessorsOf(steps);
  const byName = new Map(steps.map((step) => [step.name, step]));
  const bodies = bodiesOf(steps);
  const runs = new Map(steps.map((step) => [step.name, bodies.has(step.name) ? [] : timed(step, now)]));
  const find = (step: Step, run: StepRun, seen: Set<string>): Timed[] =>
    (predecessors.get(step.name) ?? []).flatMap((name) => {
      const before = byName.get(name);
      if (before === undefined || seen.has(name)) return [];
      seen.add(name);
      const all = runs.get(name) ?? [];
      const isSameBody = before.inEach !== null && before.inEach === step.inEach;
      const found = isSameBody ? all.filter((one) => one.run.mapIndex === run.mapIndex) : all;
      return found.length > 0 ? found : find(before, run, seen);
    });
  return (step, run) => find(step, run, new Set());
};

/**
 * The runs that decided when the execution ended: from the last to end, back along whatever each waited for longest.
 *
 * @returns keys as {@link runKey} makes them.
 */
export const criticalPath = (steps: Step[], now: number): Set<string> => {
  const before = runsBefore(steps, now);
  const bodies = bodiesOf(steps);
  const latest = (runs: Timed[]): Timed | undefined => [...runs].sort((one, other) => other.end - one.end)[0];
  const critical = new Set<string>();
  let current = latest(steps.filter((step) => !bodies.has(step.name)).flatMap((step) => timed(step, now)));
  while (current !== undefined && !critical.has(runKey(current.step, current.run))) {
    critical.add(runKey(current.step, current.run));
    current = latest(before(current.step, current.run));
  }
  return critical;
};
