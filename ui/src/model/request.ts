/** Where a step's request reads from and writes to. */

import { type JsonObject, object } from "./reading";

export interface Place {
  /** Where in the request, or the name of the output. */
  name: string;
  /** An S3 address, or a property reference as the pipeline definition writes it. */
  value: string;
  isAddress: boolean;
}

export interface Places {
  inputs: Place[];
  outputs: Place[];
}

/** Finds the places in a request, and adds the outputs that the step told. */
export const findPlaces = (request: JsonObject | null, outputs: Record<string, string>): Places => {
  const found = request === null ? [] : walk(request, []);
  const told = Object.entries(outputs).map(([name, value]) => place(name, value));
  const known = new Set(told.map((one) => one.value));
  const isOutput = (path: string[]): boolean => path.some((part) => /output/i.test(part));
  return {
    inputs: found.filter(({ path }) => !isOutput(path)).map(({ path, value }) => place(nameOf(path), value)),
    outputs: [
      ...told,
      ...found
        .filter(({ path, value }) => isOutput(path) && !known.has(value))
        .map(({ path, value }) => place(nameOf(path), value)),
    ],
  };
};

const place = (name: string, value: string): Place => ({ name, value, isAddress: value.startsWith("s3://") });

const walk = (value: unknown, path: string[]): { path: string[]; value: string }[] => {
  if (typeof value === "string") return value.startsWith("s3://") ? [{ path, value }] : [];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => walk(item, [...path, elementName(item, index)]));
  }
  const members = object(value);
  if (members === null) return [];
  if (isPlaceKey(path.at(-1) ?? "") && (typeof members.Get === "string" || "Std:Join" in members)) {
    return [{ path, value: typeof members.Get === "string" ? members.Get : JSON.stringify(members) }];
  }
  return Object.entries(members).flatMap(([name, member]) => walk(member, [...path, name]));
};

const isPlaceKey = (name: string): boolean => /^(S3\w*(Uri|Path)|ModelDataUrl|S3Uri)$/.test(name);

/** An input or output by its own name, where it has one. */
const elementName = (item: unknown, index: number): string => {
  const members = object(item);
  const name = members?.InputName ?? members?.OutputName ?? members?.ChannelName;
  return typeof name === "string" ? name : String(index);
};

const WRAPPERS =
  /^(ProcessingInputs|InputDataConfig|DataSource|S3DataSource|S3Input|ProcessingOutputConfig|Outputs|S3Output|S3Uri|OutputDataConfig|TransformInput)$/;

const nameOf = (path: string[]): string => path.filter((part) => !WRAPPERS.test(part)).join(".") || path.join(".");
