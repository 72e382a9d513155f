/** Finds the points of metrics apart from the page: a regular expression of a job may take longer than anybody waits. */

import { curvesOf, type Line, type MetricDefinition } from "../model/logs";

addEventListener("message", ({ data }: MessageEvent<{ lines: Line[]; definitions: MetricDefinition[] }>) => {
  postMessage(curvesOf(data.lines, data.definitions));
});
