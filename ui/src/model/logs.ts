/** The end of a job's log, and the metrics that its lines gave. */

import { number, object, objects, text, texts, time } from "./reading";

export interface Curve {
  name: string;
  points: { time: number; value: number }[];
}

export interface Log {
  lines: string[];
  curves: Curve[];
}

export const readLog = (answer: unknown): Log => ({
  lines: texts(object(answer)?.lines),
  curves: objects(object(answer)?.metrics).flatMap((metric) => {
    const name = text(metric.name);
    const points = objects(metric.points).flatMap((point) => {
      const [at, value] = [time(point.time), number(point.value)];
      return at === null || value === null ? [] : [{ time: at, value }];
    });
    return name === null || points.length === 0 ? [] : [{ name, points: points.sort((a, b) => a.time - b.time) }];
  }),
});
