/** The status of a step, from what it reported and from the state of its task. */

import { isOver } from "./airflow";
import { own } from "./reading";

export type Status =
  | "Succeeded"
  | "Failed"
  | "Stopped"
  | "Executing"
  | "Retrying"
  | "Waiting"
  | "Skipped"
  | "Not reached"
  | "Unknown";

/** Chakra's palettes, in the colours of Airflow's own task states. */
export const PALETTES: Record<Status, string> = {
  Succeeded: "green",
  Failed: "red",
  Stopped: "orange",
  Executing: "cyan",
  Retrying: "yellow",
  Waiting: "gray",
  Skipped: "pink",
  "Not reached": "orange",
  Unknown: "gray",
};

/** A sign beside the colour, for those who do not tell colours apart. */
export const SIGNS: Record<Status, string> = {
  Succeeded: "✓",
  Failed: "✕",
  Stopped: "■",
  Executing: "▶",
  Retrying: "↻",
  Waiting: "○",
  Skipped: "»",
  "Not reached": "–",
  Unknown: "?",
};

const OF_STATES: Record<string, Status> = {
  success: "Succeeded",
  failed: "Failed",
  skipped: "Skipped",
  upstream_failed: "Not reached",
  removed: "Unknown",
  running: "Executing",
  deferred: "Executing",
  restarting: "Retrying",
  up_for_retry: "Retrying",
  up_for_reschedule: "Retrying",
  scheduled: "Waiting",
  queued: "Waiting",
  awaiting_input: "Waiting",
};

const OF_STATUSES: Record<string, Status> = {
  Succeeded: "Succeeded",
  Failed: "Failed",
  Stopped: "Stopped",
  Stopping: "Executing",
  Starting: "Executing",
  Executing: "Executing",
};

export const ofState = (state: string | null): Status =>
  state === null ? "Waiting" : (own(OF_STATES, state) ?? "Unknown");

export const ofStatus = (status: string | null): Status =>
  status === null ? "Unknown" : (own(OF_STATUSES, status) ?? "Unknown");

/**
 * The status of one task instance's step.
 *
 * A report that an earlier try left behind does not count: it stands until the next one ends.
 *
 * @param state the task's state; undefined when there is no such task instance.
 * @param reported the status in the report of its step.
 */
export const stepStatus = (state: string | null | undefined, reported: string | null): Status => {
  if (state === undefined) return ofStatus(reported);
  if (!isOver(state) || state === "upstream_failed" || state === "skipped") return ofState(state);
  const ofReport = ofStatus(reported);
  // A task that somebody marked, or whose report belongs to another try: Airflow's word counts.
  if (state === "success") return "Succeeded";
  return ofReport === "Stopped" ? "Stopped" : ofState(state);
};

const WORST: Status[] = [
  "Failed",
  "Stopped",
  "Retrying",
  "Executing",
  "Waiting",
  "Not reached",
  "Succeeded",
  "Skipped",
  "Unknown",
];

/** The status of several together: the one that a person wants to know of first. */
export const together = (statuses: Status[]): Status => {
  if (statuses.length === 0) return "Unknown";
  const isUnderWay = statuses.some((status) => status === "Executing" || status === "Retrying");
  const hasBegun = statuses.some((status) => status === "Succeeded");
  if (!isUnderWay && hasBegun && statuses.includes("Waiting") && !statuses.includes("Failed")) return "Executing";
  return WORST.find((status) => statuses.includes(status)) ?? "Unknown";
};
