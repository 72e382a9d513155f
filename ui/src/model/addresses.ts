/** Addresses that a view may link to. Data never becomes a link unless it is a plain web address. */

import { own } from "./reading";

/** The address, where it is one of the web; `javascript:` and its kind are not. */
export const webAddress = (address: string | null | undefined): string | null =>
  address != null && /^https?:\/\/[^\s]+$/i.test(address) ? address : null;

const S3_CONSOLE: Record<string, string> = {
  aws: "https://s3.console.aws.amazon.com",
  "aws-cn": "https://console.amazonaws.cn",
  "aws-us-gov": "https://console.amazonaws-us-gov.com",
};

/**
 * The page of the S3 console that shows an object or a prefix.
 *
 * @param uri such as `s3://bucket/path`.
 * @param arn an ARN of the same account, which tells the partition and the region.
 * @returns null where there is no such page: another kind of address, or a partition without a public console.
 */
export const s3Console = (uri: string, arn: string | null): string | null => {
  const found = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri);
  const [, partition, , region] = (arn ?? "").split(":");
  const host = own(S3_CONSOLE, partition ?? "");
  if (found === null || host === undefined) return null;
  const [, bucket = "", key = ""] = found;
  const isObject = /.\.[^.]+$/.test(key.slice(key.lastIndexOf("/") + 1));
  const query = new URLSearchParams({ ...(region ? { region } : {}), ...(key ? { prefix: key } : {}) });
  return `${host}/s3/${isObject ? "object" : "buckets"}/${encodeURIComponent(bucket)}?${query.toString()}`;
};

/** Whether links of an execution lead to AWS, and not to a local endpoint whose objects no console shows. */
export const isOnAws = (links: Record<string, string>): boolean =>
  Object.values(links).every((link) => {
    const host = /^https?:\/\/([^/:?#]+)/i.exec(link)?.[1]?.toLowerCase() ?? "";
    return /(^|\.)(amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu|sagemaker\.aws)$/.test(host);
  });

/** The path of a task instance's page in Airflow, for the host's router. */
export const taskPath = (dagId: string, runId: string, taskId: string, mapIndex = -1): string => {
  const task = `/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}/tasks/${encodeURIComponent(taskId)}`;
  return mapIndex < 0 ? task : `${task}/mapped/${mapIndex}`;
};

export const runPath = (dagId: string, runId: string): string =>
  `/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}`;
