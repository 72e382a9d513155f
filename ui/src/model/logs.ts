/** The end of a job's log, and the metrics that its lines give. */

import { type JsonObject, number, object, objects, text, time } from "./reading";

export interface Line {
  time: number | null;
  message: string;
}

export interface Curve {
  name: string;
  points: { time: number; value: number }[];
}

/** How a training job finds a metric in its log: by the first group of a regular expression. */
export interface MetricDefinition {
  name: string;
  regex: RegExp;
}

export const readLog = (answer: unknown): Line[] =>
  objects(object(answer)?.lines).flatMap((line) => {
    const message = text(line.message);
    return message === null ? [] : [{ time: time(line.time), message }];
  });

/** The `MetricDefinitions` of a training job's request; what this browser cannot read as a regular expression is left out. */
export const readDefinitions = (request: JsonObject | null): MetricDefinition[] =>
  objects(object(request?.AlgorithmSpecification)?.MetricDefinitions).flatMap((definition) => {
    const [name, pattern] = [text(definition.Name), text(definition.Regex)];
    const regex = pattern === null ? null : readPattern(pattern);
    return name === null || regex === null ? [] : [{ name, regex }];
  });

const readPattern = (pattern: string): RegExp | null => {
  try {
    return new RegExp(pattern);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
};

/** The points of each metric that lines give, as SageMaker finds them: the first match of each line counts. */
export const curvesOf = (lines: Line[], definitions: MetricDefinition[]): Curve[] =>
  definitions.flatMap(({ name, regex }) => {
    const points = lines.flatMap((line) => {
      const found = regex.exec(line.message)?.[1];
      const value = found === undefined ? null : number(Number(found));
      return line.time === null || value === null ? [] : [{ time: line.time, value }];
    });
    return points.length === 0 ? [] : [{ name, points: points.sort((one, other) => one.time - other.time) }];
  });
