/** The graph of an execution, laid out by dagre. */

import { Graph, layout } from "@dagrejs/dagre";
import { curveBasis, line } from "d3-shape";
import type { Execution, Step } from "./execution";

export interface Edge {
  from: string;
  to: string;
  kind: "flow" | "branch" | "each";
  /** Of a branch: `if` or `else`. */
  side: string | null;
  /** Whether the execution went along it; null while that is open. */
  taken: boolean | null;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  nodes: { step: Step; box: Box }[];
  edges: (Edge & { path: string; labelAt: { x: number; y: number } })[];
  /** The frame around a ForEach and its body. */
  frames: { name: string; box: Box }[];
}

export type Direction = "LR" | "TB";

export const NODE = { width: 216, height: 74 };

/** A condition's comparisons stand in its node, one a line. */
export const nodeHeight = (step: Step): number =>
  NODE.height + Math.max(0, Math.min(step.comparisons.length, 4) - 1) * 18;

/**
 * The edges as a person reads them: from a condition to the first steps of its branches, from a ForEach to the first
 * steps of its body, and from the body's last steps to what waits for the ForEach.
 */
export const edgesOf = (
  steps: Pick<Step, "name" | "dependsOn" | "branch" | "inEach" | "holds" | "status">[],
): Edge[] => {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const edges: Edge[] = [];
  const bodies = new Map<string, typeof steps>();
  for (const step of steps) {
    if (step.inEach !== null) bodies.set(step.inEach, [...(bodies.get(step.inEach) ?? []), step]);
  }
  for (const step of steps) {
    const dependsOn = [...new Set(step.dependsOn)].filter((name) => byName.has(name) && name !== step.name);
    const { branch, inEach } = step;
    const condition = branch === null ? undefined : byName.get(branch.condition);
    const each = inEach === null ? undefined : byName.get(inEach);
    const isFirstOfBody = each !== undefined && !dependsOn.some((name) => byName.get(name)?.inEach === inEach);
    const isFirstOfBranch =
      condition !== undefined &&
      branch !== null &&
      !dependsOn.some((name) => isWithin(byName, name, branch.condition, branch.side));
    const to = step.name;
    if (isFirstOfBody && each) edges.push({ from: each.name, to, kind: "each", side: null, taken: taken(step) });
    if (isFirstOfBranch && condition && branch && !(isFirstOfBody && each?.branch?.condition === branch.condition)) {
      const isTaken = condition.holds === null ? null : (branch.side === "if") === condition.holds;
      edges.push({ from: condition.name, to, kind: "branch", side: branch.side, taken: isTaken });
    }
    for (const name of dependsOn) {
      if ((name === condition?.name && isFirstOfBranch) || name === each?.name) continue;
      const body = bodies.get(name);
      const ends = body === undefined ? [name] : lastOf(body);
      for (const from of ends) edges.push({ from, to, kind: "flow", side: null, taken: taken(step) });
    }
  }
  const seen = new Set<string>();
  return edges.filter(({ from, to }) => {
    const key = JSON.stringify([from, to]);
    return seen.has(key) ? false : seen.add(key);
  });
};

const taken = (step: Pick<Step, "status">): boolean | null => {
  if (step.status === "Waiting" || step.status === "Unknown") return null;
  return step.status !== "Skipped" && step.status !== "Not reached";
};

/** Whether a step lies in a branch, at any depth. */
const isWithin = (
  byName: ReadonlyMap<string, Pick<Step, "branch">>,
  name: string,
  condition: string,
  side: string,
): boolean => {
  const passed = new Set<string>();
  let branch = byName.get(name)?.branch ?? null;
  while (branch !== null && !passed.has(branch.condition)) {
    if (branch.condition === condition) return branch.side === side;
    passed.add(branch.condition);
    branch = byName.get(branch.condition)?.branch ?? null;
  }
  return false;
};

const lastOf = (body: Pick<Step, "name" | "dependsOn">[]): string[] => {
  const neededWithin = new Set(body.flatMap((step) => step.dependsOn));
  const last = body.filter((step) => !neededWithin.has(step.name)).map((step) => step.name);
  return last.length > 0 ? last : body.map((step) => step.name);
};

const path = line<{ x: number; y: number }>()
  .x((point) => point.x)
  .y((point) => point.y)
  .curve(curveBasis);

/** Where each step of an execution stands, in pixels. */
export const layOut = (execution: Execution, direction: Direction): Layout => {
  const { steps } = execution;
  const graph = new Graph({ compound: true, multigraph: false });
  graph.setGraph({ rankdir: direction, nodesep: 24, ranksep: direction === "LR" ? 56 : 44, marginx: 12, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const step of steps) graph.setNode(step.name, { width: NODE.width, height: nodeHeight(step) });
  const eaches = [...new Set(steps.flatMap((step) => step.inEach ?? []))].filter((name) => graph.hasNode(name));
  for (const name of eaches) {
    graph.setNode(frameOf(name), {});
    graph.setParent(name, frameOf(name));
  }
  for (const step of steps) {
    if (step.inEach !== null && eaches.includes(step.inEach)) {
      // The body may hold a ForEach of its own: its frame stands in the outer one.
      graph.setParent(eaches.includes(step.name) ? frameOf(step.name) : step.name, frameOf(step.inEach));
    }
  }
  const edges = edgesOf(steps);
  for (const edge of edges) {
    graph.setEdge(edge.from, edge.to, edge.kind === "branch" ? { width: 34, height: 18, labelpos: "c" } : {});
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const boxOf = (name: string): Box => {
    const node = graph.node(name);
    const [w, h] = [node.width ?? 0, node.height ?? 0];
    return { x: (node.x ?? 0) - w / 2, y: (node.y ?? 0) - h / 2, width: w, height: h };
  };
  return {
    width,
    height,
    nodes: steps.map((step) => ({ step, box: boxOf(step.name) })),
    edges: edges.map((edge) => {
      const { points = [], x, y } = graph.edge(edge.from, edge.to);
      const middle = points[Math.floor(points.length / 2)];
      return { ...edge, path: path(points) ?? "", labelAt: { x: x ?? middle?.x ?? 0, y: y ?? middle?.y ?? 0 } };
    }),
    frames: eaches.map((name) => ({ name, box: boxOf(frameOf(name)) })),
  };
};

const frameOf = (name: string): string => `frame of ${JSON.stringify(name)}`;

/** Where the graph of an execution is narrow enough, it runs from left to right. */
export const bestDirection = (execution: Execution, available: number): Direction =>
  layOut(execution, "LR").width <= available ? "LR" : "TB";
