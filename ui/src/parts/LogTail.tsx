import { Box, Button, chakra, Flex, Text } from "@chakra-ui/react";
import { fetchLog, type TaskKey } from "../data/api";
import { useAsked } from "../data/useAsked";
import { useCurves } from "../data/useCurves";
import type { Curve, Line, MetricDefinition } from "../model/logs";
import { formatNumber } from "../model/text";
import { Columns, Disclosure, Loading, Problem, Table, Time } from "./basics";
import { MetricCurve } from "./charts";

/** With curves more lines are read: each gives one point at most. */
const LINES = 100;
const LINES_OF_CURVES = 1000;

/** The end of a job's log and the curves of its metrics; AWS is asked when a person presses the button. */
export const LogTail = ({ task, definitions = [] }: { task: TaskKey; definitions?: MetricDefinition[] }) => {
  const showCurves = definitions.length > 0;
  const lines = showCurves ? LINES_OF_CURVES : LINES;
  const { value, error, isBusy, ask } = useAsked<Line[]>((signal) => fetchLog(task, lines, signal));
  const curves = useCurves(value, definitions);
  const what = showCurves ? "log and metrics" : "log";
  return (
    <Flex direction="column" gap={3}>
      <Flex align="center" gap={2} wrap="wrap">
        <Button loading={isBusy} onClick={ask} size="xs" variant="outline">
          {value === null ? `Read the ${what}` : `Refresh the ${what}`}
        </Button>
        <Text color="fg.muted" fontSize="xs">
          Asks AWS for the last {lines} lines.
        </Text>
      </Flex>
      {error === null ? null : <Problem>{error}</Problem>}
      {value === null ? null : (
        <>
          {showCurves ? <Curves curves={curves} /> : null}
          <LogLines lines={value.map((line) => line.message)} />
        </>
      )}
    </Flex>
  );
};

const LogLines = ({ lines }: { lines: string[] }) =>
  lines.length === 0 ? (
    <Text color="fg.muted" fontSize="sm">
      The log has no lines.
    </Text>
  ) : (
    <Box aria-label="Last lines of the log" maxH="22rem" overflow="auto" role="region" tabIndex={0}>
      <chakra.pre bg="bg.muted" fontFamily="mono" fontSize="xs" p={3} rounded="sm" whiteSpace="pre-wrap">
        {lines.join("\n")}
      </chakra.pre>
    </Box>
  );

const Curves = ({ curves }: { curves: Curve[] | "slow" | null }) =>
  curves === null ? (
    <Loading label="Finding the metrics in the log" />
  ) : curves === "slow" ? (
    <Problem>The regular expressions of the job's MetricDefinitions take too long to read this log.</Problem>
  ) : curves.length === 0 ? (
    <Text color="fg.muted" fontSize="sm">
      The log gives no points of a metric.
    </Text>
  ) : (
    <Box display="grid" gap={4} gridTemplateColumns="repeat(auto-fit, minmax(min(22rem, 100%), 1fr))">
      {curves.map((curve) => (
        <Box borderColor="border" borderWidth={1} key={curve.name} minW={0} rounded="md">
          <Text fontSize="sm" fontWeight="medium" px={3} py={2}>
            {curve.name}
          </Text>
          <MetricCurve curve={curve} />
          <Disclosure summary="As a table">
            <Table label={`Points of ${curve.name}`}>
              <Columns names={["Time", { number: "Value" }]} />
              <tbody>
                {curve.points.map((point) => (
                  <tr key={`${point.time} ${point.value}`}>
                    <td>
                      <Time value={point.time} />
                    </td>
                    <td className="number">{formatNumber(point.value)}</td>
                  </tr>
                ))}
              </tbody>
            </Table>
          </Disclosure>
        </Box>
      ))}
    </Box>
  );
