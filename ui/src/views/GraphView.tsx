import { Button, ButtonGroup, Box as ChakraBox, chakra } from "@chakra-ui/react";
import { memo, useEffect, useMemo, useState } from "react";
import { countRuns, type Execution, type Step, stepDuration } from "../model/execution";
import {
  type Box,
  bestDirection,
  type Direction,
  type Edge,
  edgesOf,
  type Layout,
  layOut,
  type Shape,
  shapeOf,
} from "../model/graph";
import { PALETTES, SIGNS } from "../model/status";
import { formatDuration, lastSegment } from "../model/text";
import { Card } from "../parts/basics";
import { useWidth } from "../parts/useWidth";

const PALETTE_CLASSES = Object.fromEntries(
  [...new Set(Object.values(PALETTES))].map((palette) => [`& .is-${palette}`, { colorPalette: palette }]),
);

const GRAPH = {
  position: "relative",
  transformOrigin: "0 0",
  ...PALETTE_CLASSES,
  "& svg": { position: "absolute", inset: 0, overflow: "visible", pointerEvents: "none" },
  "& .edge": { fill: "none", stroke: "fg.subtle", strokeWidth: "1.5px" },
  "& .edge.open": { stroke: "border.emphasized" },
  "& .edge.untaken": { stroke: "border.emphasized", strokeDasharray: "4 4" },
  "& .edge.branch.taken": { stroke: "green.solid", strokeWidth: "2px" },
  "& .head": { fill: "fg.subtle" },
  "& .frame": {
    position: "absolute",
    borderWidth: 1,
    borderStyle: "dashed",
    borderColor: "border.emphasized",
    bg: "bg.muted",
    rounded: "lg",
  },
  "& .side": {
    position: "absolute",
    transform: "translate(-50%, -50%)",
    bg: "bg",
    borderWidth: 1,
    borderColor: "border.emphasized",
    color: "fg.muted",
    fontSize: "2xs",
    lineHeight: "short",
    px: 1.5,
    rounded: "full",
  },
  "& .side.taken": { color: "green.fg", borderColor: "green.solid", fontWeight: "semibold" },
  "& .node": {
    position: "absolute",
    display: "flex",
    flexDirection: "column",
    justifyContent: "center",
    textAlign: "start",
    bg: "bg",
    borderWidth: 1,
    borderColor: "border.emphasized",
    borderInlineStartWidth: 4,
    borderInlineStartColor: "colorPalette.solid",
    rounded: "md",
    px: 2.5,
    cursor: "pointer",
    fontSize: "xs",
    lineHeight: "short",
    shadow: "xs",
  },
  "& .node:hover": { bg: "bg.subtle" },
  "& .node:focus-visible": { outline: "2px solid", outlineColor: "fg.info", outlineOffset: "2px" },
  "& .node[aria-pressed=true]": { outline: "2px solid", outlineColor: "fg.info" },
  "& .node.faded": { borderStyle: "dashed", bg: "bg.muted" },
  "& .node.stack": {
    boxShadow:
      "4px 4px 0 -1px var(--chakra-colors-bg), 4px 4px 0 0 var(--chakra-colors-border-emphasized), 8px 8px 0 -1px var(--chakra-colors-bg), 8px 8px 0 0 var(--chakra-colors-border-emphasized)",
  },
  "& .aloud": { srOnly: true },
  "& .line": { display: "flex", gap: 1.5, alignItems: "baseline", minWidth: 0 },
  "& .name": { fontWeight: "semibold", fontSize: "sm", flex: 1, minWidth: 0 },
  "& .cut": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  "& .sign": { color: "colorPalette.fg", fontWeight: "bold" },
  "& .muted": { color: "fg.muted" },
  "& .time": { fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
  "& .holds": { color: "green.fg", fontWeight: "semibold" },
  "& .fails": { color: "red.fg", fontWeight: "semibold" },
  "& .hit": { color: "teal.fg", fontWeight: "semibold", whiteSpace: "nowrap" },
} as const;

const edgeKey = ({ from, to }: { from: string; to: string }): string => `${from} → ${to}`;

/** How high the graph may be before it scrolls, in pixels. */
const HEIGHT = 560;

/** The execution as a graph; pressing a step selects it. */
export const GraphView = ({
  execution,
  now,
  selected,
  onSelect,
}: {
  execution: Execution;
  now: number;
  selected: string | null;
  onSelect: (name: string) => void;
}) => {
  const [element, width] = useWidth(320);
  const [chosen, setChosen] = useState<Direction | null>(null);
  const [zoom, setZoom] = useState<number | null>(null);
  // The widest that it has been: the panel of a step beside it does not turn the graph.
  const [widest, setWidest] = useState(width);
  useEffect(() => setWidest((before) => Math.max(before, width)), [width]);
  // Steps change with every answer of the server, their shape hardly ever: it is laid out once.
  const key = JSON.stringify(shapeOf(execution.steps));
  const shape = useMemo(() => JSON.parse(key) as Shape, [key]);
  const direction = chosen ?? bestDirection(shape, widest / 0.75);
  const layout = useMemo(() => layOut(shape, direction), [shape, direction]);
  const edges = useMemo(() => new Map(edgesOf(execution.steps).map((edge) => [edgeKey(edge), edge])), [execution]);
  const fit = Math.max(0.2, Math.min(1, width / layout.width, HEIGHT / layout.height));
  const scale = zoom ?? Math.max(fit, 0.6);
  const change = (factor: number) => setZoom(Math.min(1.5, Math.max(0.2, scale * factor)));
  return (
    <Card
      actions={
        <ButtonGroup attached size="2xs" variant="outline">
          <Button aria-label="Zoom out" onClick={() => change(1 / 1.2)}>
            −
          </Button>
          <Button onClick={() => setZoom(fit)}>Fit</Button>
          <Button aria-label="Zoom in" onClick={() => change(1.2)}>
            +
          </Button>
          <Button
            aria-label={direction === "LR" ? "Draw from top to bottom" : "Draw from left to right"}
            onClick={() => setChosen(direction === "LR" ? "TB" : "LR")}
          >
            {direction === "LR" ? "↓" : "→"}
          </Button>
        </ButtonGroup>
      }
      level="h4"
      title="Graph"
    >
      <ChakraBox maxH={`${HEIGHT}px`} overflow="auto" ref={element}>
        <ChakraBox
          aria-label={`Graph of ${execution.steps.length} steps`}
          height={`${Math.ceil(layout.height * scale)}px`}
          mx="auto"
          overflow="hidden"
          role="group"
          width={`${Math.ceil(layout.width * scale)}px`}
        >
          <chakra.div css={GRAPH} style={{ width: layout.width, height: layout.height, transform: `scale(${scale})` }}>
            <Frames layout={layout} />
            <Edges edges={edges} layout={layout} />
            {execution.steps.map((step) => {
              const box = layout.boxes.get(step.name);
              return box === undefined ? null : (
                <Node
                  box={box}
                  duration={stepDuration(step, now)}
                  isSelected={step.name === selected}
                  key={step.name}
                  onSelect={onSelect}
                  step={step}
                />
              );
            })}
          </chakra.div>
        </ChakraBox>
      </ChakraBox>
    </Card>
  );
};

const Frames = ({ layout }: { layout: Layout }) =>
  layout.frames.map(({ name, box }) => (
    <div
      className="frame"
      key={name}
      style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
      title={`ForEach ${name}`}
    />
  ));

/** The steps and what they wait for are in the table too: the drawing adds nothing that is read aloud. */
const Edges = memo(({ layout, edges }: { layout: Layout; edges: ReadonlyMap<string, Edge> }) => (
  <>
    <svg aria-hidden="true" height={layout.height} width={layout.width}>
      <defs>
        <marker
          id="sagemaker-arrow"
          markerHeight="7"
          markerWidth="7"
          orient="auto"
          refX="8"
          refY="5"
          viewBox="0 0 10 10"
        >
          <path className="head" d="M0 0L10 5L0 10z" />
        </marker>
      </defs>
      {layout.edges.map((laidOut) => {
        const { kind = "flow", taken = null } = edges.get(edgeKey(laidOut)) ?? {};
        return (
          <path
            className={`edge ${kind} ${taken === null ? "open" : taken ? "taken" : "untaken"}`}
            d={laidOut.path}
            key={edgeKey(laidOut)}
            markerEnd="url(#sagemaker-arrow)"
          />
        );
      })}
    </svg>
    {layout.edges.map((laidOut) => {
      const { side = null, taken = null } = edges.get(edgeKey(laidOut)) ?? {};
      return side === null ? null : (
        <span
          className={taken ? "side taken" : "side"}
          key={edgeKey(laidOut)}
          style={{ left: laidOut.labelAt.x, top: laidOut.labelAt.y }}
        >
          {side}
        </span>
      );
    })}
  </>
));

const Node = memo(
  ({
    step,
    duration,
    isSelected,
    onSelect,
    box,
  }: {
    step: Step;
    duration: number | null;
    isSelected: boolean;
    onSelect: (name: string) => void;
    box: Box;
  }) => {
    const isFaded = step.status === "Skipped" || step.status === "Not reached";
    const cache = cacheOf(step);
    const tries = triesOf(step);
    return (
      <button
        aria-pressed={isSelected}
        className={`node is-${PALETTES[step.status]}${step.isStack ? " stack" : ""}${isFaded ? " faded" : ""}`}
        onClick={() => onSelect(step.name)}
        style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
        type="button"
      >
        <span className="line">
          <span className="name cut" title={step.name}>
            {step.name}
            {isFaded ? null : <span className="aloud"> {step.status}</span>}
          </span>
          <span aria-hidden="true" className="sign" title={step.status}>
            {SIGNS[step.status]}
          </span>
        </span>
        <span className="line">
          <span className="muted cut">{kindOf(step)}</span>
        </span>
        {step.type === "Condition" && !isFaded ? (
          <Comparisons step={step} />
        ) : (
          <span className="line">
            <span className="time">{isFaded ? step.status : formatDuration(duration)}</span>
            {tries === "" ? null : <span className="muted cut"> {tries}</span>}
            {cache === null ? null : (
              <span className="hit" title={cacheTitle(cache)}>
                <span aria-hidden="true">⚡</span> cache hit
                <span className="aloud">{cacheSource(cache)}</span>
              </span>
            )}
          </span>
        )}
      </button>
    );
  },
);

const Comparisons = ({ step }: { step: Step }) =>
  step.comparisons.length === 0 ? (
    <span className="line muted">{step.holds === null ? step.status : step.holds ? "holds" : "does not hold"}</span>
  ) : (
    step.comparisons.slice(0, 4).map((comparison, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the same comparison may stand twice, and the order is fixed.
      <span className="line" key={index} title={comparison.title}>
        <span className={`cut ${comparison.holds === null ? "" : comparison.holds ? "holds" : "fails"}`}>
          {comparison.text}
        </span>
      </span>
    ))
  );

/** Such as `Training · 2 × ml.m5.xlarge`, or `Training · 2 of 3 items`. */
const kindOf = (step: Step): string => {
  const parts = [step.type];
  const instance = step.runs.find((run) => run.report?.instance)?.report?.instance;
  if (step.isStack) {
    const { succeeded, failed, total } = countRuns(step);
    parts.push(`${succeeded} of ${total}${failed > 0 ? `, ${failed} failed` : ""}`);
  }
  if (step.items !== null) parts.push(step.items === 1 ? "1 item" : `${step.items} items`);
  if (instance) parts.push(instance.count > 1 ? `${instance.count} × ${instance.type}` : instance.type);
  return parts.join(" · ");
};

const triesOf = (step: Step): string => {
  const [run] = step.runs;
  if (run === undefined || step.isStack) return "";
  const parts: string[] = [];
  // The service counts from 1; older answers of it from 0.
  if ((run.report?.attempt ?? 0) > 1) parts.push(`attempt ${run.report?.attempt}`);
  if ((run.tryNumber ?? 0) > 1) parts.push(`try ${run.tryNumber}`);
  return parts.join(" · ");
};

const cacheOf = (step: Step) => step.runs.find((run) => run.report?.cache?.hit === true)?.report?.cache ?? null;

const cacheSource = ({ sourceExecution }: { sourceExecution: string | null }): string =>
  sourceExecution === null ? "" : ` of execution ${lastSegment(sourceExecution)}`;

const cacheTitle = (cache: { sourceExecution: string | null }): string => `Cache hit${cacheSource(cache)}`;
