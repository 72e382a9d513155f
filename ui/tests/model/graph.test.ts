import { describe, expect, test } from "vitest";
import { bestDirection, edgesOf, layOut, shapeOf } from "../../src/model/graph";
import { mockEachRun, mockLargeRun, mockRun } from "../mock";
import { executionOf } from "./helpers";

const shown = (run: ReturnType<typeof mockRun>) =>
  edgesOf(executionOf(run).steps).map(({ from, to, kind, side, taken }) =>
    [`${from} → ${to}`, kind, side, taken].filter((part) => part !== null),
  );

describe("edges", () => {
  test("a condition leads to the first steps of its branches, and the branch taken is known once it is decided", () => {
    expect(shown(mockRun(0))).toEqual([
      ["Prepare → Train", "flow", true],
      ["Prepare → Baseline", "flow", true],
      ["Train → Evaluate", "flow", true],
      ["Evaluate → GoodEnough", "flow", true],
      ["GoodEnough → Register", "branch", "if", true],
      ["Train → Register", "flow", true],
      ["Register → Score", "flow", true],
      ["Baseline → Score", "flow", true],
      ["GoodEnough → TooBad", "branch", "else", false],
    ]);
  });

  test("before it is decided, neither branch is taken or left", () => {
    const edges = shown(mockRun(0, { state: "running", reached: 2 }));
    expect(edges.filter(([, kind]) => kind === "branch")).toEqual([
      ["GoodEnough → Register", "branch", "if"],
      ["GoodEnough → TooBad", "branch", "else"],
    ]);
  });

  test("a ForEach leads to its body, and the body's last steps to what waits for the ForEach", () => {
    expect(shown(mockEachRun(2))).toEqual([
      ["Prepare → FitEach", "flow", true],
      ["FitEach → Fit", "each", true],
      ["Fit → Check", "flow", true],
      ["Check → Choose", "flow", true],
    ]);
  });

  test("a branch within a branch hangs on the inner condition only", () => {
    const step = (name: string, dependsOn: string[], branch: { condition: string; side: string } | null) => ({
      name,
      dependsOn,
      branch,
      inEach: null,
      holds: null,
      status: "Waiting" as const,
    });
    const edges = edgesOf([
      step("Outer", [], null),
      step("Inner", [], { condition: "Outer", side: "if" }),
      step("Deep", ["Outer"], { condition: "Inner", side: "else" }),
      step("After", ["Deep"], { condition: "Outer", side: "if" }),
    ]);
    expect(edges.map(({ from, to, side }) => [from, to, side])).toEqual([
      ["Outer", "Inner", "if"],
      ["Inner", "Deep", "else"],
      ["Outer", "Deep", null],
      ["Deep", "After", null],
    ]);
  });

  test("what names a step that is not there, or itself, is left out", () => {
    const step = { name: "A", dependsOn: ["A", "gone"], branch: { condition: "gone", side: "if" }, inEach: "gone" };
    expect(edgesOf([{ ...step, holds: null, status: "Waiting" }])).toEqual([]);
  });
});

describe("the layout", () => {
  test("places every step without overlap, in the direction asked for", () => {
    for (const direction of ["LR", "TB"] as const) {
      const { boxes, edges, width, height } = layOut(shapeOf(executionOf(mockRun(0)).steps), direction);
      const nodes = [...boxes.values()];
      expect(nodes).toHaveLength(8);
      expect(direction === "LR" ? width > height : height > 0).toBe(true);
      for (const [at, box] of nodes.entries()) {
        expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);
        for (const other of nodes.slice(at + 1)) {
          const isApart =
            box.x + box.width <= other.x ||
            other.x + other.width <= box.x ||
            box.y + box.height <= other.y ||
            other.y + other.height <= box.y;
          expect(isApart).toBe(true);
        }
      }
      expect(edges.every((edge) => edge.path.startsWith("M"))).toBe(true);
    }
  });

  test("frames a ForEach with its body", () => {
    const { frames, boxes } = layOut(shapeOf(executionOf(mockEachRun(2)).steps), "LR");
    expect(frames.map((frame) => frame.name)).toEqual(["FitEach"]);
    const [frame] = frames;
    const inside = [...boxes].filter(
      ([, box]) =>
        frame !== undefined &&
        box.x >= frame.box.x &&
        box.x + box.width <= frame.box.x + frame.box.width &&
        box.y >= frame.box.y &&
        box.y + box.height <= frame.box.y + frame.box.height,
    );
    expect(inside.map(([name]) => name)).toEqual(["FitEach", "Fit", "Check"]);
  });

  test("150 steps are laid out, each in a box", () => {
    expect(layOut(shapeOf(executionOf(mockLargeRun(150)).steps), "TB").boxes.size).toBe(150);
  });

  test("a short graph runs from left to right where there is room, a long one from top to bottom", () => {
    const shape = shapeOf(executionOf(mockRun(0)).steps);
    expect([bestDirection(shape, 1800), bestDirection(shape, 900)]).toEqual(["LR", "TB"]);
    expect(bestDirection(shapeOf(executionOf(mockLargeRun(150)).steps), 1800)).toBe("TB");
  });

  test("the shape stays the same while the execution goes on, so that it is laid out once", () => {
    const shape = (reached: number) => shapeOf(executionOf(mockRun(0, { state: "running", reached })).steps);
    expect(shape(1)).toEqual(shape(6));
  });
});

describe("forged and odd names", () => {
  const node = (name: string, inEach: string | null = null) => ({ name, height: 74, inEach });
  const edge = (from: string, to: string, isLabelled = false) => ({ from, to, isLabelled });

  test("a step may be named as a member that every object of JavaScript has", () => {
    const names = ["constructor", "toString", "valueOf", "__proto__"];
    const { boxes, edges } = layOut(
      {
        nodes: [...names.map((name) => node(name)), node("Fit", "constructor")],
        edges: [edge("constructor", "toString"), edge("toString", "valueOf"), edge("valueOf", "__proto__")],
      },
      "LR",
    );
    expect([...boxes.keys()]).toEqual([...names, "Fit"]);
    expect([...boxes.values()].every((box) => Number.isFinite(box.x) && Number.isFinite(box.y))).toBe(true);
    expect(edges.map((one) => one.path.startsWith("M"))).toEqual([true, true, true]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("a ForEach in its own body, and two in each other's, are drawn without a frame around themselves", () => {
    const { boxes } = layOut(
      { nodes: [node("A", "A"), node("B", "C"), node("C", "D"), node("D", "B"), node("E", "B")], edges: [] },
      "LR",
    );
    expect([...boxes.keys()]).toEqual(["A", "B", "C", "D", "E"]);
  });

  test("cycles are drawn", () => {
    const edges = [edge("A", "B"), edge("B", "C", true), edge("C", "A")];
    const laidOut = layOut({ nodes: [node("A"), node("B"), node("C")], edges }, "TB");
    expect(laidOut.edges.map((one) => one.path.startsWith("M"))).toEqual([true, true, true]);
    expect(bestDirection({ nodes: [node("A"), node("B"), node("C")], edges }, 2000)).toBe("LR");
  });

  test("a condition whose branch is its own, and a ForEach in its own body, have no edge to themselves", () => {
    const step = (name: string, of: { branch?: { condition: string; side: string }; inEach?: string }) => ({
      name,
      dependsOn: [name],
      branch: of.branch ?? null,
      inEach: of.inEach ?? null,
      holds: null,
      status: "Waiting" as const,
    });
    const steps = [step("A", { branch: { condition: "A", side: "if" } }), step("B", { inEach: "B" })];
    expect(edgesOf(steps)).toEqual([]);
  });
});
