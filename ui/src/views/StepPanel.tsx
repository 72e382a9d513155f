import { Box, Button, CloseButton, Flex, Heading, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { fetchApproval, type TaskKey } from "../data/api";
import { useAsked } from "../data/useAsked";
import { taskPath } from "../model/addresses";
import { countRuns, type Step, type StepRun, stepDuration } from "../model/execution";
import { flatten, shownVersion } from "../model/models";
import type { ModelPackage, StepReport } from "../model/reports";
import { formatDuration, formatValue, lastSegment } from "../model/text";
import { Columns, ExternalLink, Facts, InternalLink, Problem, StatusBadge, Table, Time } from "../parts/basics";
import { LogTail } from "../parts/LogTail";

/** Why a step ran or did not. */
export const cacheExplanation = (report: StepReport): ReactNode => {
  const { cache } = report;
  if (cache === null) return null;
  if (cache.hit === true) {
    const source = cache.sourceExecution;
    return (
      <>
        Hit: the outputs are those of {source === null ? "an earlier execution" : "execution "}
        {source === null ? "" : <span title={source}>{lastSegment(source)}</span>}
      </>
    );
  }
  return cache.miss === null ? "No hit" : `No hit: ${cache.miss}`;
};

/** A model package with its approval status, as of the step's end until a person asks for it. */
export const Approval = ({ task, modelPackage }: { task: TaskKey; modelPackage: ModelPackage }) => {
  const { value, error, isBusy, ask } = useAsked((signal) => fetchApproval(task, signal));
  return (
    <Flex align="center" columnGap={2} rowGap={1} wrap="wrap">
      <span>{shownVersion(modelPackage)}</span>
      <span title={value === null ? "As of the end of the step" : "As of now"}>
        {value ?? modelPackage.approvalStatus ?? "—"}
      </span>
      <Button aria-label="Refresh the approval status" loading={isBusy} onClick={ask} size="2xs" variant="outline">
        ↻
      </Button>
      {error === null ? null : <Problem>{error}</Problem>}
    </Flex>
  );
};

/** Links that a step told, by their names. */
export const Links = ({ links }: { links: Record<string, string> }) => {
  const entries = Object.entries(links);
  return entries.length === 0 ? null : (
    <Flex gap={3} wrap="wrap">
      {entries.map(([name, href]) => (
        <ExternalLink href={href} key={name}>
          {name}
        </ExternalLink>
      ))}
    </Flex>
  );
};

/** What is known of the selected step. */
export const StepPanel = ({
  step,
  dagId,
  runId,
  now,
  onClose,
}: {
  step: Step;
  dagId: string;
  runId: string;
  now: number;
  onClose: () => void;
}) => {
  const { taskId } = step;
  const [only] = step.runs;
  return (
    <Box aria-label={`Step ${step.name}`} as="aside" borderColor="border" borderWidth={1} minW={0} rounded="md">
      <Flex align="center" bg="bg.muted" borderBottomWidth={1} borderColor="border" gap={2} minH={10} px={3}>
        <Heading as="h4" flex="1" fontSize="sm" overflowWrap="anywhere">
          {step.name}
        </Heading>
        <StatusBadge status={step.status} />
        <CloseButton aria-label="Close the step" onClick={onClose} size="2xs" />
      </Flex>
      <Flex direction="column" gap={3} maxH="31rem" overflowY="auto" p={3}>
        {step.runs.length === 1 && only !== undefined ? (
          <RunFacts dagId={dagId} now={now} run={only} runId={runId} step={step} />
        ) : (
          <Facts
            facts={{
              Type: step.type,
              Items: step.isStack ? `${countRuns(step).succeeded} of ${step.runs.length} succeeded` : null,
              Duration: formatDuration(stepDuration(step, now)),
            }}
          />
        )}
        {step.comparisons.length === 0 ? null : (
          <Box fontSize="sm">
            {step.comparisons.map((comparison, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same comparison may stand twice, and the order is fixed.
              <Text key={index} title={comparison.title}>
                {comparison.text}
                {comparison.holds === null ? "" : comparison.holds ? ": holds" : ": does not hold"}
              </Text>
            ))}
          </Box>
        )}
        {step.runs.length > 1 && taskId !== null ? (
          <Table label={`Items of ${step.name}`}>
            <Columns names={["Item", "Status", { number: "Duration" }]} />
            <tbody>
              {step.runs.map((run) => (
                <tr key={run.mapIndex}>
                  <th scope="row">
                    <InternalLink to={taskPath(dagId, runId, taskId, run.mapIndex)}>
                      {run.label ?? String(run.mapIndex)}
                    </InternalLink>
                  </th>
                  <td>
                    <StatusBadge status={run.status} />
                  </td>
                  <td className="number">{formatDuration(stepDuration({ runs: [run] }, now))}</td>
                </tr>
              ))}
            </tbody>
          </Table>
        ) : null}
      </Flex>
    </Box>
  );
};

const RunFacts = ({
  step,
  run,
  dagId,
  runId,
  now,
}: {
  step: Step;
  run: StepRun;
  dagId: string;
  runId: string;
  now: number;
}) => {
  const { report } = run;
  const { taskId } = step;
  const task = taskId === null ? null : { dagId, runId, taskId, mapIndex: run.mapIndex };
  const metrics = Object.fromEntries([
    ...flatten(run.propertyFiles).map(({ path, value }) => [path.join(" · "), formatValue(value)] as const),
    ...Object.entries(report?.job?.metrics ?? {}).map(([name, value]) => [name, formatValue(value)] as const),
  ]);
  return (
    <>
      <Facts
        facts={{
          Type: step.type,
          Task:
            taskId === null ? null : (
              <InternalLink to={taskPath(dagId, runId, taskId, run.mapIndex)}>{taskId}</InternalLink>
            ),
          Started: run.start === null ? null : <Time value={run.start} />,
          Duration: formatDuration(stepDuration({ runs: [run] }, now)),
          Instances: report?.instance ? `${report.instance.count} × ${report.instance.type}` : null,
          Attempt: report?.attempt ?? null,
          Try: run.tryNumber,
          Cache: report === null ? null : cacheExplanation(report),
          "Model package":
            report?.modelPackage && task !== null ? <Approval modelPackage={report.modelPackage} task={task} /> : null,
        }}
      />
      {report?.reason ? (
        <Text color="red.fg" fontSize="sm" overflowWrap="anywhere">
          {report.reason}
        </Text>
      ) : null}
      {Object.keys(metrics).length === 0 ? null : <Facts facts={metrics} />}
      {report === null ? null : <Links links={report.links} />}
      {task !== null && report?.jobArn ? <LogTail key={JSON.stringify(task)} task={task} /> : null}
    </>
  );
};
