import { Box, chakra, Flex, Text } from "@chakra-ui/react";
import { scaleLinear } from "d3-scale";
import { timeTicks } from "d3-time";
import { useMemo } from "react";
import type { Execution } from "../model/execution";
import { keyed } from "../model/keys";
import { PALETTES, SIGNS } from "../model/status";
import { formatDuration, formatTick, formatTime } from "../model/text";
import { buildTimeline, type Lane, type PhaseKind } from "../model/timeline";
import { Card } from "../parts/basics";
import { useWidth } from "../parts/useWidth";

const COLORS: Record<PhaseKind, string> = {
  starting: "yellow.emphasized",
  downloading: "teal.solid",
  running: "blue.solid",
  uploading: "purple.solid",
  interrupted: "orange.solid",
  other: "gray.solid",
};

const NAMES: Record<PhaseKind, string> = {
  starting: "Starting",
  downloading: "Downloading",
  running: "Running",
  uploading: "Uploading",
  interrupted: "Interrupted",
  other: "Other",
};

/** The room of a tick's label. */
const TICK = 90;
const ROW = 26;
const AXIS = 24;

const GANTT = {
  display: "block",
  ...Object.fromEntries(Object.entries(COLORS).map(([kind, color]) => [`& .${kind}`, { fill: color }])),
  ...Object.fromEntries(
    [...new Set(Object.values(PALETTES))].map((palette) => [`& .is-${palette}`, { fill: `${palette}.fg` }]),
  ),
  "& .wait": { stroke: "fg.subtle", strokeDasharray: "1 3", strokeWidth: "2px" },
  "& .grid": { stroke: "border.muted" },
  "& .band": { fill: "bg.muted" },
  "& .critical": { fill: "none", stroke: "fg", strokeWidth: "1.75px" },
  "& text": { fill: "fg", fontSize: "12px" },
  "& .axis": { fill: "fg.muted", fontSize: "11px" },
  "& .length": { fill: "fg.muted", fontSize: "11px" },
  "& .path": { fontWeight: "600" },
} as const;

/** The execution along time: what waited, the phases of the jobs, and the critical path. */
export const TimelineView = ({ execution, now }: { execution: Execution; now: number }) => {
  const timeline = useMemo(() => buildTimeline(execution, now), [execution, now]);
  const [element, width] = useWidth(1000);
  if (timeline === null) return null;
  const labels = Math.min(240, Math.max(120, width * 0.22));
  const { lanes } = timeline;
  const x = scaleLinear()
    .domain([timeline.start, Math.max(timeline.end, timeline.start + 1000)])
    .range([labels + 8, width - 84]);
  const height = AXIS + lanes.length * ROW + 4;
  const ticks = apart(timeTicks(new Date(timeline.start), new Date(timeline.end), Math.floor(width / 160)), x);
  const critical = lanes.filter((lane) => lane.isCritical);
  const length = formatDuration(timeline.end - timeline.start);
  return (
    <Card
      actions={<Legend hasWait={lanes.some((lane) => lane.waitFrom !== null)} kinds={timeline.kinds} />}
      level="h4"
      title="Timeline"
    >
      <Box
        aria-label="Lanes of the timeline"
        maxH="30rem"
        overflowX="hidden"
        overflowY="auto"
        ref={element}
        role="region"
        tabIndex={0}
      >
        <chakra.svg
          aria-label={`Timeline of ${lanes.length} lanes, ${length}. Critical path: ${critical.map((lane) => lane.label).join(", ")}.`}
          css={GANTT}
          height={`${height}px`}
          role="img"
          width={`${width}px`}
        >
          {lanes.map((lane, index) =>
            index % 2 === 0 ? null : (
              <rect className="band" height={ROW} key={lane.key} width={width} x={0} y={AXIS + index * ROW} />
            ),
          )}
          {ticks.map((tick) => (
            <g key={tick.getTime()}>
              <line className="grid" x1={x(tick)} x2={x(tick)} y1={AXIS - 4} y2={height} />
              <text className="axis" textAnchor="middle" x={x(tick)} y={14}>
                {formatTick(tick, timeline.end - timeline.start)}
              </text>
            </g>
          ))}
          {lanes.map((lane, index) => (
            <LaneRow key={lane.key} labels={labels} lane={lane} x={x} y={AXIS + index * ROW} />
          ))}
        </chakra.svg>
      </Box>
    </Card>
  );
};

/** Those of some ticks, evenly spaced, whose labels have room. */
const apart = (ticks: Date[], x: (at: Date) => number): Date[] => {
  const [first, second] = ticks;
  if (first === undefined || second === undefined) return ticks;
  const every = Math.max(1, Math.ceil(TICK / (x(second) - x(first))));
  return ticks.filter((_, index) => index % every === 0);
};

const LaneRow = ({ lane, x, y, labels }: { lane: Lane; x: (at: number) => number; y: number; labels: number }) => {
  const { run } = lane;
  const [left, right] = [x(lane.start), Math.max(x(lane.end), x(lane.start) + 2)];
  const most = Math.floor(labels / 7) - 3;
  const shown = lane.label.length > most ? `${lane.label.slice(0, most - 1)}…` : lane.label;
  return (
    <g>
      <text className={`is-${PALETTES[run.status]}`} x={10} y={y + 17}>
        {SIGNS[run.status]}
      </text>
      <text className={lane.isCritical ? "path" : ""} x={28} y={y + 17}>
        {shown}
        <title>{lane.label}</title>
      </text>
      {lane.waitFrom === null ? null : (
        <line className="wait" x1={x(lane.waitFrom)} x2={left} y1={y + ROW / 2} y2={y + ROW / 2}>
          <title>{`Waited ${formatDuration(lane.start - lane.waitFrom)}`}</title>
        </line>
      )}
      {keyed(lane.segments, ({ name, start }) => `${name} ${start}`).map(([key, segment]) => (
        <rect
          className={segment.kind}
          height={14}
          key={key}
          width={Math.max(1.5, x(segment.end) - x(segment.start))}
          x={x(segment.start)}
          y={y + 6}
        >
          <title>
            {`${segment.name}: ${formatDuration(segment.end - segment.start)}, from ${formatTime(segment.start)}`}
          </title>
        </rect>
      ))}
      {lane.isCritical ? (
        <rect className="critical" height={18} rx={3} width={right - left + 4} x={left - 2} y={y + 4} />
      ) : null}
      <text className="length" x={right + 8} y={y + 17}>
        {formatDuration(lane.end - lane.start)}
      </text>
    </g>
  );
};

const Legend = ({ kinds, hasWait }: { kinds: PhaseKind[]; hasWait: boolean }) => (
  <Flex color="fg.muted" fontSize="xs" gap={3} wrap="wrap">
    {hasWait ? (
      <Flex align="center" gap={1}>
        <Box borderColor="fg.subtle" borderStyle="dotted" borderTopWidth={2} h={0} w={4} />
        Waiting
      </Flex>
    ) : null}
    {kinds.map((kind) => (
      <Flex align="center" gap={1} key={kind}>
        <Box bg={COLORS[kind]} boxSize={2.5} rounded="xs" />
        {NAMES[kind]}
      </Flex>
    ))}
    <Flex align="center" gap={1}>
      <Box borderColor="fg" borderWidth={1.5} h={2.5} rounded="xs" w={4} />
      <Text as="span">Critical path</Text>
    </Flex>
  </Flex>
);
