import { Box, Button, chakra, Flex, Text } from "@chakra-ui/react";
import { fetchLog, type TaskKey } from "../data/api";
import { useAsked } from "../data/useAsked";
import type { Log } from "../model/logs";
import { formatNumber } from "../model/text";
import { Disclosure, Problem, Table, Time } from "./basics";
import { MetricCurve } from "./charts";

const LINES = 100;

/** The end of a job's log and the curves of its metrics; AWS is asked when a person presses the button. */
export const LogTail = ({ task, showCurves = false }: { task: TaskKey; showCurves?: boolean }) => {
  const { value, error, isBusy, ask } = useAsked<Log>((signal) => fetchLog(task, LINES, signal));
  const what = showCurves ? "log and metrics" : "log";
  return (
    <Flex direction="column" gap={3}>
      <Flex align="center" gap={2} wrap="wrap">
        <Button loading={isBusy} onClick={ask} size="xs" variant="outline">
          {value === null ? `Read the ${what}` : `Refresh the ${what}`}
        </Button>
        <Text color="fg.muted" fontSize="xs">
          Asks AWS for the last {LINES} lines.
        </Text>
      </Flex>
      {error === null ? null : <Problem>{error}</Problem>}
      {value === null ? null : (
        <>
          {showCurves ? <Curves log={value} /> : null}
          <LogLines lines={value.lines} />
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

const Curves = ({ log }: { log: Log }) =>
  log.curves.length === 0 ? (
    <Text color="fg.muted" fontSize="sm">
      The log gives no points of a metric.
    </Text>
  ) : (
    <Box display="grid" gap={4} gridTemplateColumns="repeat(auto-fit, minmax(22rem, 1fr))">
      {log.curves.map((curve) => (
        <Box borderColor="border" borderWidth={1} key={curve.name} minW={0} rounded="md">
          <Text fontSize="sm" fontWeight="medium" px={3} py={2}>
            {curve.name}
          </Text>
          <MetricCurve curve={curve} />
          <Disclosure summary="As a table">
            <Table label={`Points of ${curve.name}`}>
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th className="number" scope="col">
                    Value
                  </th>
                </tr>
              </thead>
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
