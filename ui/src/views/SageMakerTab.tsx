import { Badge, Box, Button, Flex, Heading, Text } from "@chakra-ui/react";
import { useCallback, useMemo, useState } from "react";
import { clearTasks, failRun, fetchSteps } from "../data/api";
import { useAsked } from "../data/useAsked";
import { type RunData, useRun } from "../data/useRun";
import { taskPath } from "../model/addresses";
import { isOver } from "../model/airflow";
import { buildCosts, type Costs, type Prices } from "../model/costs";
import {
  buildRun,
  type Execution,
  executionKey,
  failures,
  isUnderWay,
  repairs,
  type Unlaunched,
} from "../model/execution";
import type { ToldStep } from "../model/reports";
import { formatDuration, formatMoney, formatShare, lastSegment, NOTHING, plural } from "../model/text";
import {
  Card,
  Disclosure,
  ExternalLink,
  Figure,
  InternalLink,
  Loading,
  Problem,
  Quiet,
  StatusBadge,
  Time,
} from "../parts/basics";
import { Confirm } from "../parts/Confirm";
import { LogTail } from "../parts/LogTail";
import { CostsView } from "./CostsView";
import { GraphView } from "./GraphView";
import { ParametersView, VersionView } from "./ParametersView";
import { Links, StepPanel } from "./StepPanel";
import { StepsTable } from "./StepsTable";
import { TimelineView } from "./TimelineView";

/** The "SageMaker" tab of a Dag run. */
export const SageMakerTab = ({ dagId, runId }: { dagId: string; runId: string }) => {
  const { data, error, refresh } = useRun(dagId, runId);
  const [fetched, setFetched] = useState<ReadonlyMap<string, ToldStep[]>>(new Map());
  const view = useMemo(() => (data === null ? null : buildRun(data.instances, data.reports, fetched)), [data, fetched]);
  const keep = useCallback(
    (key: string, steps: ToldStep[]) => setFetched((before) => new Map(before).set(key, steps)),
    [],
  );
  return (
    <Flex direction="column" gap={6} p={4}>
      {error === null ? null : <Problem onRetry={refresh}>{error}</Problem>}
      {data === null || view === null ? (
        error === null ? (
          <Loading label="Reading the run" />
        ) : null
      ) : view.executions.length === 0 && view.unlaunched.length === 0 ? (
        <Quiet>This Dag run has no SageMaker pipeline.</Quiet>
      ) : (
        <>
          {view.unlaunched.map((one) => (
            <UnlaunchedView dagId={dagId} key={executionKey(one.taskId, one.mapIndex)} one={one} runId={runId} />
          ))}
          {view.executions.map((execution) => (
            <ExecutionView
              dagId={dagId}
              data={data}
              execution={execution}
              key={executionKey(execution.taskId, execution.mapIndex)}
              onFetched={keep}
              onRefresh={refresh}
              runId={runId}
            />
          ))}
        </>
      )}
    </Flex>
  );
};

const BEFORE_LAUNCH: Record<string, string> = {
  Waiting: "is not launched yet",
  Executing: "is being launched",
  Retrying: "is not launched yet: its task will be tried again",
  Failed: "was not launched: its task failed",
  Skipped: "was skipped",
  "Not reached": "was not launched: a task before it failed",
  Succeeded: "left no report: its task ran with an older version, or its XComs were deleted",
};

const UnlaunchedView = ({ one, dagId, runId }: { one: Unlaunched; dagId: string; runId: string }) => (
  <Flex align="center" gap={3} wrap="wrap">
    <StatusBadge status={one.status} />
    <Text color="fg.muted">
      The pipeline of task{" "}
      <InternalLink to={taskPath(dagId, runId, one.taskId, one.mapIndex)}>{one.taskId}</InternalLink>{" "}
      {BEFORE_LAUNCH[one.status] ?? "has not told of its execution"}.
    </Text>
  </Flex>
);

const ExecutionView = ({
  execution,
  data,
  dagId,
  runId,
  onRefresh,
  onFetched,
}: {
  execution: Execution;
  data: RunData;
  dagId: string;
  runId: string;
  onRefresh: () => void;
  onFetched: (key: string, steps: ToldStep[]) => void;
}) => {
  const [selected, setSelected] = useState<string | null>(null);
  const { report } = execution;
  const now = data.at;
  const costs = useMemo(() => buildCosts(execution, data.prices), [execution, data.prices]);
  const step = execution.steps.find((one) => one.name === selected) ?? null;
  const isRunOver = isOver(data.run?.state ?? null);
  const steps = useAsked(async (signal) => {
    const found = await fetchSteps({ dagId, runId, taskId: execution.taskId, mapIndex: execution.mapIndex }, signal);
    onFetched(executionKey(execution.taskId, execution.mapIndex), found.steps);
    return found;
  });
  const toRepair = repairs(execution);
  const isMoving = execution.steps.some((one) => one.runs.some(isUnderWay));
  return (
    <Flex
      aria-label={`Pipeline ${report.pipeline ?? execution.taskId}`}
      as="section"
      direction="column"
      gap={4}
      minW={0}
    >
      <Flex align="center" gap={3} wrap="wrap">
        <Heading as="h2" fontSize="lg" overflowWrap="anywhere">
          {report.pipeline ?? execution.taskId}
        </Heading>
        <StatusBadge status={execution.status} />
        {report.version === null ? null : <Badge size="sm">version {report.version}</Badge>}
        {report.execution === null ? null : (
          <Text color="fg.muted" fontSize="sm" title={report.execution}>
            execution <ExternalLink href={report.links.execution}>{lastSegment(report.execution)}</ExternalLink>
          </Text>
        )}
        <Flex flex="1" gap={2} justify="flex-end" wrap="wrap">
          {execution.isWhole && !execution.isReported ? (
            <Button loading={steps.isBusy} onClick={steps.ask} size="xs" variant="outline">
              Read the steps from AWS
            </Button>
          ) : null}
          {isRunOver || isMoving ? null : (
            <Text alignSelf="center" color="fg.muted" fontSize="xs">
              the Dag run is {data.run?.state ?? "not over"}
            </Text>
          )}
          {toRepair.length > 0 && !isMoving ? (
            <Confirm
              label="Repair"
              onConfirm={async () => {
                await clearTasks(dagId, runId, toRepair);
                onRefresh();
              }}
              palette="blue"
              title="Run the failed steps again?"
            >
              Airflow clears {plural(toRepair.length, "failed task")} and what is behind{" "}
              {toRepair.length === 1 ? "it" : "them"}. The execution resumes with these steps.
            </Confirm>
          ) : null}
          {isRunOver ? null : (
            <Confirm
              label="Stop execution"
              onConfirm={async () => {
                await failRun(dagId, runId);
                onRefresh();
              }}
              palette="red"
              title="Stop the execution?"
            >
              Airflow marks the whole Dag run as failed. Its running tasks stop the SageMaker execution.
            </Confirm>
          )}
          <Button onClick={onRefresh} size="xs" variant="outline">
            Refresh
          </Button>
        </Flex>
      </Flex>
      {steps.error === null ? null : <Problem>{steps.error}</Problem>}
      <Figures costs={costs} execution={execution} now={now} prices={data.prices} />
      <Failures dagId={dagId} execution={execution} runId={runId} />
      {execution.steps.length === 0 ? (
        <Quiet>The report names no steps.</Quiet>
      ) : (
        <>
          <Box
            display="grid"
            gap={4}
            gridTemplateColumns={
              step === null ? "minmax(0, 1fr)" : { base: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 22rem" }
            }
          >
            <GraphView execution={execution} now={now} onSelect={setSelected} selected={selected} />
            {step === null ? null : (
              <StepPanel
                dagId={dagId}
                key={step.name}
                now={now}
                onClose={() => setSelected(null)}
                runId={runId}
                step={step}
              />
            )}
          </Box>
          <TimelineView execution={execution} now={now} />
          <Card level="h4" title="Steps">
            <Disclosure open={execution.steps.length <= 12} summary="As a table">
              <StepsTable costs={costs} dagId={dagId} execution={execution} now={now} runId={runId} />
            </Disclosure>
          </Card>
        </>
      )}
      <Box
        alignItems="start"
        display="grid"
        gap={4}
        gridTemplateColumns={{ base: "minmax(0, 1fr)", lg: "repeat(2, minmax(0, 1fr))" }}
      >
        <CostsView costs={costs} problem={data.pricesProblem} />
        <VersionView report={report} />
      </Box>
      <ParametersView report={report} />
    </Flex>
  );
};

const Figures = ({
  execution,
  costs,
  prices,
  now,
}: {
  execution: Execution;
  costs: Costs;
  prices: Prices;
  now: number;
}) => {
  const counted = execution.steps.filter((step) => step.status !== "Skipped");
  const done = counted.filter((step) => step.status === "Succeeded").length;
  const end = execution.end ?? (execution.steps.some((step) => step.runs.some(isUnderWay)) ? now : null);
  const duration = execution.start === null || end === null ? null : end - execution.start;
  return (
    <Flex as="dl" columnGap={8} rowGap={3} wrap="wrap">
      <Figure
        label="Steps succeeded"
        note={counted.length < execution.steps.length ? `${execution.steps.length - counted.length} skipped` : null}
        value={execution.isWhole && done === 0 ? NOTHING : `${done} of ${counted.length}`}
      />
      <Figure
        label="Duration"
        note={execution.start === null ? null : <Time value={execution.start} />}
        value={formatDuration(duration)}
      />
      <Figure
        label="Billable time"
        note={costs.saved === null ? null : `${formatShare(costs.saved)} saved by spot instances`}
        value={costs.lines.length === 0 ? NOTHING : formatDuration(costs.total.billableSeconds * 1000)}
      />
      {costs.hasPrices ? (
        <Figure
          label="Estimated cost"
          note={costs.withoutPrice.length === 0 ? "by the configured prices" : "some prices are missing"}
          value={formatMoney(costs.total.cost, prices.currency)}
        />
      ) : null}
      <Figure label="Cache hits" value={costs.cacheHits} />
    </Flex>
  );
};

/** How many failures stand open. */
const OPEN_FAILURES = 5;

const Failures = ({ execution, dagId, runId }: { execution: Execution; dagId: string; runId: string }) => {
  const found = failures(execution);
  return (
    <>
      {found.slice(0, OPEN_FAILURES).map(({ step, run }) => {
        const { taskId } = step;
        return (
          <Box
            borderColor="border.error"
            borderWidth={1}
            key={`${step.name} ${run.mapIndex}`}
            overflow="hidden"
            rounded="md"
          >
            <Flex align="center" bg="red.subtle" color="red.fg" gap={2} px={3} py={2} wrap="wrap">
              <Heading as="h3" fontSize="sm">
                {step.name}
                {run.mapIndex < 0 ? "" : ` [${run.label ?? run.mapIndex}]`} {run.status.toLowerCase()}
              </Heading>
            </Flex>
            <Flex direction="column" gap={3} p={3}>
              <Text fontSize="sm" overflowWrap="anywhere" whiteSpace="pre-wrap">
                {run.report?.reason ?? "The step told no reason: the task's log has more."}
              </Text>
              <Flex fontSize="sm" gap={3} wrap="wrap">
                {taskId === null ? null : (
                  <InternalLink to={taskPath(dagId, runId, taskId, run.mapIndex)}>task {taskId}</InternalLink>
                )}
                <Links links={run.report?.links ?? {}} />
              </Flex>
              {taskId !== null && run.report?.jobArn ? (
                <LogTail task={{ dagId, runId, taskId, mapIndex: run.mapIndex }} />
              ) : null}
            </Flex>
          </Box>
        );
      })}
      {found.length <= OPEN_FAILURES ? null : (
        <Text color="fg.muted" fontSize="sm">
          {found.length - OPEN_FAILURES} more have failed: the table of the steps has them.
        </Text>
      )}
    </>
  );
};
