import { Box, Button, chakra, Flex, Heading, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import type { TaskKey } from "../data/api";
import { useStep } from "../data/useStep";
import { isOnAws, s3Console } from "../model/addresses";
import { showComparisons } from "../model/execution";
import { keyed } from "../model/keys";
import { readDefinitions } from "../model/logs";
import { flatten } from "../model/models";
import type { StepReport, TaskReports } from "../model/reports";
import { findPlaces, type Place } from "../model/request";
import { stepStatus } from "../model/status";
import { formatDuration, formatNumber, formatValue, lastSegment, NOTHING } from "../model/text";
import {
  Card,
  Columns,
  Disclosure,
  ExternalLink,
  Facts,
  Loading,
  Problem,
  Quiet,
  StatusBadge,
  Table,
  Time,
} from "../parts/basics";
import { LogTail } from "../parts/LogTail";
import { ParametersView, VersionView } from "./ParametersView";
import { Approval, cacheExplanation, Links } from "./StepPanel";

/** The "Step" tab of a task instance. */
export const StepTab = ({ task }: { task: TaskKey }) => {
  const { data, error, refresh } = useStep(task);
  if (data === null) {
    return error === null ? (
      <Loading label="Reading the step" />
    ) : (
      <Box p={4}>
        <Problem onRetry={refresh}>{error}</Problem>
      </Box>
    );
  }
  const reports = data.reports.of(task.taskId, task.mapIndex);
  const { step, outcome, pipeline, propertyFiles } = reports;
  const steps = data.reports.taskIds().flatMap((taskId) => data.reports.of(taskId).pipeline?.steps ?? []);
  const ofPipeline = steps.find((one) => one.taskId === task.taskId) ?? null;
  const state = data.instance?.state ?? null;
  const status = stepStatus(state, step?.status ?? null);
  const comparisons = showComparisons(outcome, ofPipeline?.conditions ?? []);
  if (step === null && outcome === null && pipeline === null && Object.keys(propertyFiles).length === 0) {
    return (
      <Flex direction="column" p={4}>
        {error === null ? null : <Problem onRetry={refresh}>{error}</Problem>}
        <Quiet>
          {ofPipeline === null
            ? "This task is not a step of a SageMaker pipeline that has been launched."
            : `The step ${ofPipeline.name} has not reported yet: it is ${status.toLowerCase()}.`}
        </Quiet>
      </Flex>
    );
  }
  return (
    <Flex direction="column" gap={4} p={4}>
      {error === null ? null : <Problem onRetry={refresh}>{error}</Problem>}
      <Flex align="center" gap={3} wrap="wrap">
        <Heading as="h2" fontSize="lg" overflowWrap="anywhere">
          {ofPipeline?.name ?? pipeline?.pipeline ?? task.taskId}
        </Heading>
        <StatusBadge status={status} />
        {ofPipeline === null ? null : (
          <Text color="fg.muted" fontSize="sm">
            {ofPipeline.type} step
          </Text>
        )}
        <Flex flex="1" fontSize="sm" gap={3} justify="flex-end" wrap="wrap">
          <Links links={{ ...(pipeline?.links ?? {}), ...(step?.links ?? {}) }} />
          <Button onClick={refresh} size="xs" variant="outline">
            Refresh
          </Button>
        </Flex>
      </Flex>
      {step?.reason ? (
        <Box borderColor="border.error" borderWidth={1} p={3} rounded="md">
          <Text color="red.fg" fontSize="sm" overflowWrap="anywhere" whiteSpace="pre-wrap">
            {step.reason}
          </Text>
        </Box>
      ) : null}
      {comparisons.length === 0 ? null : (
        <Card title="Condition">
          <Box as="ul" listStyleType="none" p={3}>
            {comparisons.map((comparison, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same comparison may stand twice, and the order is fixed.
              <li key={index} title={comparison.title}>
                {comparison.text}
                {comparison.holds === null ? "" : comparison.holds ? ": holds" : ": does not hold"}
              </li>
            ))}
          </Box>
          {outcome?.holds == null ? null : (
            <Text color="fg.muted" fontSize="sm" pb={3} px={3}>
              The execution took the {outcome.holds ? "if" : "else"} branch.
            </Text>
          )}
        </Card>
      )}
      {step === null ? null : <StepDetails reports={reports} step={step} task={task} />}
      {pipeline === null ? null : (
        <>
          <VersionView report={pipeline} />
          <ParametersView report={pipeline} />
        </>
      )}
    </Flex>
  );
};

const StepDetails = ({ step, reports, task }: { step: StepReport; reports: TaskReports; task: TaskKey }) => {
  const { job } = step;
  const places = findPlaces(step.request, step.outputs);
  const arn = isOnAws(step.links) ? step.jobArn : null;
  const duration = step.start === null || step.end === null ? null : step.end - step.start;
  const files = Object.entries(reports.propertyFiles);
  const metrics = Object.entries(job?.metrics ?? {});
  return (
    <>
      <Box
        alignItems="start"
        display="grid"
        gap={4}
        gridTemplateColumns={{ base: "minmax(0, 1fr)", lg: "repeat(2, minmax(0, 1fr))" }}
      >
        <Card title="Step">
          <Box p={3}>
            <Facts
              facts={{
                Started: <Time value={step.start} />,
                Ended: <Time value={step.end} />,
                Duration: formatDuration(duration),
                Instances: step.instance ? `${step.instance.count} × ${step.instance.type}` : NOTHING,
                Attempt: step.attempt ?? NOTHING,
                Cache: cacheExplanation(step) ?? NOTHING,
                "Billable time":
                  job === null
                    ? NOTHING
                    : `${formatDuration(seconds(job.billableSeconds ?? job.seconds))} per instance`,
                Job: step.jobArn === null ? NOTHING : <span title={step.jobArn}>{lastSegment(step.jobArn)}</span>,
                "Model package":
                  step.modelPackage === null ? null : <Approval modelPackage={step.modelPackage} task={task} />,
                "Best job": job?.best
                  ? `${job.best.name ?? NOTHING}: ${job.best.metric ?? "objective"} ${formatNumber(job.best.value)}`
                  : null,
              }}
            />
          </Box>
        </Card>
        <Card title="Inputs and outputs">
          {places.inputs.length + places.outputs.length === 0 ? (
            <Quiet>The step names no place in S3.</Quiet>
          ) : (
            <Table label="Inputs and outputs">
              <Columns names={["Name", "Where"]} />
              <tbody>
                <PlaceRows arn={arn} places={places.inputs} what="input" />
                <PlaceRows arn={arn} places={places.outputs} what="output" />
              </tbody>
            </Table>
          )}
        </Card>
      </Box>
      {files.length + metrics.length === 0 ? null : (
        <Card title="Metrics">
          <Table label="Metrics of property files and of the job">
            <Columns names={["From", "Metric", { number: "Value" }]} />
            <tbody>
              {files.flatMap(([file, value]) =>
                flatten(value).map((metric) => (
                  <MetricRow
                    from={`property file ${file}`}
                    key={`${file} ${metric.path.join(" ")}`}
                    name={metric.path.join(" · ")}
                    value={formatValue(metric.value)}
                  />
                )),
              )}
              {metrics.map(([name, value]) => (
                <MetricRow from="training job" key={name} name={name} value={formatNumber(value)} />
              ))}
            </tbody>
          </Table>
        </Card>
      )}
      {step.jobArn === null ? null : (
        <Card title="Log">
          <Box p={3}>
            <LogTail definitions={readDefinitions(step.request)} key={JSON.stringify(task)} task={task} />
          </Box>
        </Card>
      )}
      {step.request === null ? null : (
        <Card title="Request as sent">
          <Disclosure summary="As JSON">
            <Box aria-label="Request as JSON" maxH="30rem" overflow="auto" role="region" tabIndex={0}>
              <chakra.pre fontFamily="mono" fontSize="xs" p={3} whiteSpace="pre-wrap">
                {JSON.stringify(step.request, null, 2)}
              </chakra.pre>
            </Box>
          </Disclosure>
          {step.leftOut.length === 0 ? null : (
            <Text color="fg.muted" fontSize="xs" px={3} py={2}>
              Too large for the report, so left out: {step.leftOut.join(", ")}.
            </Text>
          )}
        </Card>
      )}
    </>
  );
};

const seconds = (value: number | null): number | null => (value === null ? null : value * 1000);

const MetricRow = ({ from, name, value }: { from: string; name: string; value: string }) => (
  <tr>
    <td className="muted">{from}</td>
    <th className="wide" scope="row">
      {name}
    </th>
    <td className="number">{value}</td>
  </tr>
);

const PlaceRows = ({ places, what, arn }: { places: Place[]; what: string; arn: string | null }): ReactNode =>
  keyed(places, ({ name, value }) => `${what} ${name} ${value}`).map(([key, place]) => (
    <tr key={key}>
      <th scope="row">
        {place.name}
        <div className="muted">{what}</div>
      </th>
      <td className="wide">
        {place.isAddress ? (
          <ExternalLink href={s3Console(place.value, arn)}>{place.value}</ExternalLink>
        ) : (
          <span className="muted">{place.value}</span>
        )}
      </td>
    </tr>
  ));
