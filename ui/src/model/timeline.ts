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

/**
 * Lays the runs of an execution along time, in the order of their starts.
 *
 * @param now the end of what still runs.
 * @returns null when nothing has started.
 */
export const buildTimeline = (execution: Execution, now: number): Timeline | null => {
  const critical = criticalPath(execution.steps, now);
  const predecessors = predecessorsOf(execution.steps);
  const byName = new Map(execution.steps.map((step) => [step.name, step]));
  const lanes = execution.steps.flatMap((step): Lane[] =>
    step.runs.flatMap((run): Lane[] => {
      if (run.start === null) return [];
      const start = run.start;
      const end = Math.max(start, run.end ?? (isUnderWay(run) ? now : start));
      const before = (predecessors.get(step.name) ?? []).flatMap((name) =>
        (byName.get(name)?.runs ?? []).flatMap((other) => other.end ?? []),
      );
      const ready = before.length > 0 ? Math.max(...before) : execution.start;
      return [
        {
          key: runKey(step, run),
          step,
          run,
          label: run.mapIndex < 0 ? step.name : `${step.name} [${run.label ?? run.mapIndex}]`,
          waitFrom: ready !== null && start - ready >= 1000 ? ready : null,
          start,
          end,
          segments: segmentsOf(run, start, end),
          isCritical: critical.has(runKey(step, run)),
        },
      ];
    }),
  );
  if (lanes.length === 0) return null;
  lanes.sort((one, other) => one.start - other.start || one.end - other.end || one.label.localeCompare(other.label));
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
 * The runs that decided when the execution ended: from the last to end, back along whatever each waited for longest.
 *
 * Steps without times (skipped, never reached) are passed over to what stands before them.
 *
 * @returns keys as {@link runKey} makes them.
 */
export const criticalPath = (steps: Step[], now: number): Set<string> => {
  const predecessors = predecessorsOf(steps);
  const lastRuns = new Map(
    steps.flatMap((step) => {
      const ended = step.runs
        .filter((run) => run.start !== null)
        .map((run) => ({ run, end: run.end ?? now }))
        .sort((one, other) => other.end - one.end);
      const last = ended[0];
      return last === undefined ? [] : [[step.name, { step, ...last }] as const];
    }),
  );
  const critical = new Set<string>();
  const visited = new Set<string>();
  const timedBefore = (name: string, seen = new Set<string>()): string[] =>
    (predecessors.get(name) ?? []).flatMap((before) => {
      if (seen.has(before)) return [];
      seen.add(before);
      return lastRuns.has(before) ? [before] : timedBefore(before, seen);
    });
  const latest = (names: string[]): string | undefined =>
    [...names].sort((one, other) => (lastRuns.get(other)?.end ?? 0) - (lastRuns.get(one)?.end ?? 0))[0];
  let current = latest([...lastRuns.keys()]);
  while (current !== undefined && !visited.has(current)) {
    visited.add(current);
    const last = lastRuns.get(current);
    if (last !== undefined) critical.add(runKey(last.step, last.run));
    current = latest(timedBefore(current));
  }
  return critical;
};
