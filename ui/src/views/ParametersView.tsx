import { Box, Flex, Text } from "@chakra-ui/react";
import { keyed } from "../model/keys";
import { codeFiles } from "../model/models";
import type { PipelineReport } from "../model/reports";
import { NOTHING } from "../model/text";
import { Card, Columns, Facts, Quiet, Table, Time } from "../parts/basics";

/** The parameters as they were sent. */
export const ParametersView = ({ report }: { report: PipelineReport }) => (
  <Card level="h4" title="Parameters">
    {report.parameters.length === 0 ? (
      <Quiet>The execution was started without parameters.</Quiet>
    ) : (
      <Table label="Pipeline parameters">
        <Columns names={["Parameter", "Value sent", "Default", "Lifted from"]} />
        <tbody>
          {keyed(report.parameters, ({ name }) => name).map(([key, parameter]) => (
            <tr key={key}>
              <th className="wide" scope="row">
                {parameter.name}
              </th>
              <td className="wide">{parameter.value ?? NOTHING}</td>
              <td className="wide muted">{parameter.default ?? NOTHING}</td>
              <td className="wide muted">{parameter.place ?? "declared in the Dag"}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    )}
  </Card>
);

/** The version of the pipeline, its code and the data that triggered the run. */
export const VersionView = ({ report }: { report: PipelineReport }) => {
  const code = codeFiles(report.code);
  return (
    <Card level="h4" title="Version and data">
      <Flex direction="column" gap={3} p={3}>
        <Facts
          facts={{
            Version:
              report.version === null ? NOTHING : `${report.version}${report.created ? ", created by this run" : ""}`,
            "What changed":
              report.changes.length === 0 ? (
                report.created ? null : (
                  "Nothing since the version before"
                )
              ) : (
                <Box as="ul" listStyleType="none">
                  {keyed(report.changes, String).map(([key, change]) => (
                    <li key={key}>{change}</li>
                  ))}
                </Box>
              ),
            Code:
              code.length === 0
                ? NOTHING
                : code.map((file) => (
                    <div key={file.uri} title={file.uri}>
                      {file.name}
                      {file.hash === null ? null : (
                        <Text as="span" color="fg.muted" fontFamily="mono" fontSize="xs" ms={2}>
                          {file.hash.slice(0, 12)}
                        </Text>
                      )}
                    </div>
                  )),
            "Triggering assets":
              report.assets.length === 0
                ? NOTHING
                : keyed(report.assets, ({ uri, timestamp }) => `${uri} ${timestamp}`).map(([key, asset]) => (
                    <div key={key}>
                      {asset.uri}{" "}
                      {asset.timestamp === null ? null : (
                        <Text as="span" color="fg.muted" fontSize="xs">
                          <Time value={asset.timestamp} />
                        </Text>
                      )}
                    </div>
                  )),
          }}
        />
      </Flex>
    </Card>
  );
};
