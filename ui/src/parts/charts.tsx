/** Line charts of metrics. */

import { chakra } from "@chakra-ui/react";
import { extent } from "d3-array";
import { scaleLinear, scalePoint } from "d3-scale";
import { line } from "d3-shape";
import { timeTicks } from "d3-time";
import { keyed } from "../model/keys";
import type { Curve } from "../model/logs";
import { type MetricColumn, passes, type RunRow } from "../model/models";
import { formatNumber, formatTick, formatTime, sign } from "../model/text";
import { useWidth } from "./useWidth";

const CHART = {
  display: "block",
  "& .line": { fill: "none", stroke: "blue.solid", strokeWidth: "1.75px" },
  "& .dot": { fill: "blue.solid" },
  "& .dot.fails": { fill: "red.solid" },
  "& .ring": { fill: "none", stroke: "fg", strokeWidth: "1.5px" },
  "& .threshold": { stroke: "orange.solid", strokeWidth: "1.25px", strokeDasharray: "4 3" },
  "& .grid": { stroke: "border.muted" },
  "& text": { fill: "fg.muted", fontSize: "11px" },
} as const;

const spread = (values: number[]): [number, number] => {
  const [low = 0, high = 1] = extent(values) as [number | undefined, number | undefined];
  const margin = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
};

/** Whether a value does not pass what its own run compared it with. */
const misses = (row: RunRow, value: number, column: MetricColumn): boolean => {
  const threshold = row.thresholds.get(column.id);
  return threshold !== undefined && passes(value, threshold) === false;
};

/** A metric over the runs, the oldest on the left. */
export const Sparkline = ({ column, points }: { column: MetricColumn; points: { row: RunRow; value: number }[] }) => {
  const { label, threshold } = column;
  const [element, width] = useWidth(220);
  const height = 56;
  const shown = points.slice(-60);
  const x = scalePoint<number>()
    .domain(shown.map((_, index) => index))
    .range([6, width - 6])
    .padding(shown.length === 1 ? 0.5 : 0);
  const y = scaleLinear()
    .domain(spread([...shown.map((point) => point.value), ...(threshold === null ? [] : [threshold.value])]))
    .range([height - 5, 5]);
  const at = (index: number): number => x(index) ?? 0;
  const path = line<{ value: number }>()
    .x((_, index) => at(index))
    .y((point) => y(point.value));
  const last = shown.at(-1);
  const [low, high] = extent(shown.map((point) => point.value));
  const summary =
    `${label} over ${shown.length} runs, from ${formatNumber(low ?? null)} to ${formatNumber(high ?? null)}` +
    (threshold === null ? "" : `, threshold ${sign(threshold.operator)} ${formatNumber(threshold.value)}`);
  return (
    <div ref={element}>
      <chakra.svg aria-label={summary} css={CHART} height={`${height}px`} role="img" width={`${width}px`}>
        {threshold === null ? null : (
          <line className="threshold" x1={0} x2={width} y1={y(threshold.value)} y2={y(threshold.value)} />
        )}
        <path className="line" d={path(shown) ?? ""} />
        {shown.map(({ row, value }, index) => (
          <circle
            className={misses(row, value, column) ? "dot fails" : "dot"}
            cx={at(index)}
            cy={y(value)}
            key={row.run.runId}
            r={shown.length > 30 ? 2 : 3}
          >
            <title>{`${formatNumber(value)} · ${row.run.runId}`}</title>
          </circle>
        ))}
        {last === undefined ? null : <circle className="ring" cx={at(shown.length - 1)} cy={y(last.value)} r={5} />}
      </chakra.svg>
    </div>
  );
};

/** What a training job's log told of one metric over time. */
export const MetricCurve = ({ curve }: { curve: Curve }) => {
  const [element, width] = useWidth(420);
  const height = 150;
  const margin = { left: 52, right: 12, top: 8, bottom: 20 };
  const times = curve.points.map((point) => point.time);
  const [from = 0, to = 1] = extent(times) as [number | undefined, number | undefined];
  const x = scaleLinear()
    .domain([from, to === from ? from + 1000 : to])
    .range([margin.left, width - margin.right]);
  const y = scaleLinear()
    .domain(spread(curve.points.map((point) => point.value)))
    .nice(4)
    .range([height - margin.bottom, margin.top]);
  const path = line<{ time: number; value: number }>()
    .x((point) => x(point.time))
    .y((point) => y(point.value));
  const first = curve.points[0];
  const last = curve.points.at(-1);
  return (
    <div ref={element}>
      <chakra.svg
        aria-label={`${curve.name}: ${curve.points.length} points, from ${formatNumber(first?.value ?? null)} to ${formatNumber(last?.value ?? null)}`}
        css={CHART}
        height={`${height}px`}
        role="img"
        width={`${width}px`}
      >
        {y.ticks(4).map((tick) => (
          <g key={tick}>
            <line className="grid" x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
            <text dy="0.32em" textAnchor="end" x={margin.left - 6} y={y(tick)}>
              {formatNumber(tick)}
            </text>
          </g>
        ))}
        {timeTicks(new Date(from), new Date(to), 4).map((tick) => (
          <text key={tick.getTime()} textAnchor="middle" x={x(tick)} y={height - 5}>
            {formatTick(tick, to - from)}
          </text>
        ))}
        <path className="line" d={path(curve.points) ?? ""} />
        {keyed(curve.points, (point) => `${point.time} ${point.value}`).map(([key, point]) => (
          <circle className="dot" cx={x(point.time)} cy={y(point.value)} key={key} r={2.5}>
            <title>{`${formatNumber(point.value)} · ${formatTime(point.time)}`}</title>
          </circle>
        ))}
      </chakra.svg>
    </div>
  );
};
