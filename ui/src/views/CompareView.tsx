import { Box, Button, chakra } from "@chakra-ui/react";
import { Fragment, useEffect, useMemo, useRef, useState } from "react";
import { compareRuns } from "../model/comparison";
import { keyed } from "../model/keys";
import type { MetricColumn, RunRow } from "../model/models";
import { NOTHING } from "../model/text";
import { Card, Quiet, Table, Time } from "../parts/basics";

/** Two runs side by side: metrics, parameters, code and timings. */
export const CompareView = ({
  first,
  second,
  columns,
  onClose,
}: {
  first: RunRow;
  second: RunRow;
  columns: MetricColumn[];
  onClose: () => void;
}) => {
  const [differencesOnly, setDifferencesOnly] = useState(false);
  // The older one on the left, so that a change reads forward.
  const [before, after] = (first.run.runAfter ?? 0) <= (second.run.runAfter ?? 0) ? [first, second] : [second, first];
  const sections = useMemo(() => compareRuns(before, after, columns), [before, after, columns]);
  const shown = sections
    .map((section) => ({ ...section, rows: section.rows.filter((row) => !differencesOnly || !row.isSame) }))
    .filter((section) => section.rows.length > 0);
  const element = useRef<HTMLDivElement>(null);
  // The rows that were ticked may stand far below.
  useEffect(() => element.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <Card
      actions={
        <>
          <chakra.label alignItems="center" cursor="pointer" display="flex" fontSize="xs" gap={1.5}>
            <input
              checked={differencesOnly}
              onChange={(event) => setDifferencesOnly(event.target.checked)}
              type="checkbox"
            />
            Differences only
          </chakra.label>
          <Button onClick={onClose} size="2xs" variant="outline">
            Close
          </Button>
        </>
      }
      title="Two runs compared"
    >
      <Box maxH="32rem" overflow="auto" ref={element}>
        {shown.length === 0 ? (
          <Quiet>The two runs do not differ.</Quiet>
        ) : (
          <Table
            css={{
              "& td": { overflowWrap: "anywhere", px: 3, py: 1, minWidth: "8rem" },
              "& th": { px: 3, py: 1, textAlign: "start" },
              "& tr.same": { color: "fg.muted" },
              "& tr.differs td": { fontWeight: "semibold" },
              "& tr.differs th": { borderInlineStartWidth: 3, borderColor: "orange.solid" },
              "& tr.title th": { bg: "bg.subtle", color: "fg.muted", fontSize: "xs" },
            }}
            label="Two runs side by side"
          >
            <thead>
              <tr>
                <th scope="col">
                  <chakra.span srOnly>What</chakra.span>
                </th>
                {[before, after].map(({ run }) => (
                  <th className="wide" key={run.runId} scope="col">
                    {run.runId}
                    <div>
                      <Time value={run.runAfter} />
                    </div>
                  </th>
                ))}
                <th scope="col">Change</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((section) => (
                <Fragment key={section.title}>
                  <tr className="title">
                    <th colSpan={4} scope="colgroup">
                      {section.title}
                    </th>
                  </tr>
                  {keyed(section.rows, (row) => row.name).map(([key, row]) => (
                    <tr className={row.isSame ? "same" : "differs"} key={key}>
                      <th scope="row" title={row.title}>
                        {row.name}
                      </th>
                      <td>{row.first}</td>
                      <td>{row.second}</td>
                      <td>{row.isSame ? "same" : (row.change ?? NOTHING)}</td>
                    </tr>
                  ))}
                </Fragment>
              ))}
            </tbody>
          </Table>
        )}
      </Box>
    </Card>
  );
};
