/** The graph of an execution, laid out by dagre. */

import { Graph, layout } from "@dagrejs/dagre";
import { curveBasis, line } from "d3-shape";
import type { Step } from "./execution";

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
  /** By the names of the steps. */
  boxes: ReadonlyMap<string, Box>;
  edges: { from: string; to: string; path: string; labelAt: { x: number; y: number } }[];
  /** The frame around a ForEach and its body. */
  frames: { name: string; box: Box }[];
}

/** What the layout depends on; the same for as long as an execution only goes on. */
export interface Shape {
  nodes: { name: string; height: number; inEach: string | null }[];
  edges: { from: string; to: string; isLabelled: boolean }[];
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
    return from === to || seen.has(key) ? false : seen.add(key);
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

/** What is laid out of some steps. */
export const shapeOf = (steps: Step[]): Shape => ({
  nodes: steps.map((step) => ({ name: step.name, height: nodeHeight(step), inEach: step.inEach })),
  edges: edgesOf(steps).map(({ from, to, kind }) => ({ from, to, isLabelled: kind === "branch" })),
});

const RANK_GAP: Record<Direction, number> = { LR: 56, TB: 44 };

/** Where each step stands, in pixels. */
export const layOut = ({ nodes, edges }: Shape, direction: Direction): Layout => {
  const names = new Set(nodes.map((node) => node.name));
  const eaches = [...new Set(nodes.flatMap((node) => node.inEach ?? []))].filter((name) => names.has(name));
  const graph = new Graph({ compound: eaches.length > 0, multigraph: false });
  // As good as dagre's own ranker on such graphs, in half the time.
  const ranker = "tight-tree";
  graph.setGraph({ rankdir: direction, ranker, nodesep: 24, ranksep: RANK_GAP[direction], marginx: 12, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name, height } of nodes) graph.setNode(nodeOf(name), { width: NODE.width, height });
  for (const name of eaches) {
    graph.setNode(frameOf(name), {});
    graph.setParent(nodeOf(name), frameOf(name));
  }
  const outer = new Map(nodes.map(({ name, inEach }) => [name, inEach]));
  for (const { name, inEach } of nodes) {
    if (inEach !== null && eaches.includes(inEach) && !isInItself(name, outer)) {
      // The body may hold a ForEach of its own: its frame stands in the outer one.
      graph.setParent(eaches.includes(name) ? frameOf(name) : nodeOf(name), frameOf(inEach));
    }
  }
  for (const { from, to, isLabelled } of edges) {
    graph.setEdge(nodeOf(from), nodeOf(to), isLabelled ? { width: 34, height: 18, labelpos: "c" } : {});
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
    boxes: new Map(nodes.map(({ name }) => [name, boxOf(nodeOf(name))])),
    edges: edges.map(({ from, to }) => {
      const { points = [], x, y } = graph.edge(nodeOf(from), nodeOf(to));
      const middle = points[Math.floor(points.length / 2)];
      return { from, to, path: path(points) ?? "", labelAt: { x: x ?? middle?.x ?? 0, y: y ?? middle?.y ?? 0 } };
    }),
    frames: eaches.map((name) => ({ name, box: boxOf(frameOf(name)) })),
  };
};

/** Whether a step is said to be in the body of a ForEach that is in its own body. */
const isInItself = (name: string, outer: ReadonlyMap<string, string | null>): boolean => {
  const passed = new Set<string>();
  let around = outer.get(name) ?? null;
  while (around !== null && around !== name && !passed.has(around)) {
    passed.add(around);
    around = outer.get(around) ?? null;
  }
  return around === name;
};

/** Dagre keeps nodes in plain objects, which have members such as `constructor`: no name of a step is a key of them. */
const nodeOf = (name: string): string => `step ${JSON.stringify(name)}`;
const frameOf = (name: string): string => `frame of ${JSON.stringify(name)}`;

/** Where a graph is short enough for its width, it runs from left to right. */
export const bestDirection = ({ nodes, edges }: Shape, available: number): Direction => {
  const before = new Map<string, string[]>(nodes.map(({ name }) => [name, []]));
  for (const { from, to } of edges) before.get(to)?.push(from);
  const depths = new Map<string, number>();
  const depth = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    depths.set(name, 1);
    const found = 1 + Math.max(0, ...(before.get(name) ?? []).map(depth));
    depths.set(name, found);
    return found;
  };
  const ranks = Math.max(0, ...nodes.map(({ name }) => depth(name)));
  return ranks * (NODE.width + RANK_GAP.LR) <= available ? "LR" : "TB";
};
