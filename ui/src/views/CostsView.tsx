import { Text } from "@chakra-ui/react";
import type { Costs, CostTotal } from "../model/costs";
import { formatDuration, formatMoney } from "../model/text";
import { Card, Columns, Quiet, Table } from "../parts/basics";

/** Billable time and the estimate, by kind of job. */
export const CostsView = ({ costs, problem }: { costs: Costs; problem: string | null }) => (
  <Card level="h4" title="Time and money">
    {costs.lines.length === 0 ? (
      <Quiet>No step has reported a job.</Quiet>
    ) : (
      <>
        <Table label="Billable time by kind of job">
          <Columns
            names={[
              "Kind",
              { number: "Instance time" },
              { number: "Billable" },
              costs.hasPrices ? { number: "Estimate" } : null,
            ]}
          />
          <tbody>
            {costs.byKind.map((total) => (
              <Line costs={costs} key={total.kind} total={total} />
            ))}
            <Line costs={costs} total={costs.total} />
          </tbody>
        </Table>
        <Text color="fg.muted" fontSize="xs" px={3} py={2}>
          Of the last attempt of each job, all instances together. Cache hits cost nothing.
          {costs.hasPrices ? " The estimate is billable time by the configured prices." : ""}
          {costs.withoutPrice.length === 0 ? "" : ` Without a price, so left out: ${costs.withoutPrice.join(", ")}.`}
        </Text>
      </>
    )}
    {problem === null ? null : (
      <Text color="fg.muted" fontSize="xs" overflowWrap="anywhere" px={3} py={2}>
        No estimate: {problem}
      </Text>
    )}
  </Card>
);

const Line = ({ total, costs }: { total: CostTotal; costs: Costs }) => (
  <tr className={total.kind === null ? "total" : ""}>
    <th scope="row">{total.kind ?? "In all"}</th>
    <td className="number">{formatDuration(total.seconds * 1000)}</td>
    <td className="number">{formatDuration(total.billableSeconds * 1000)}</td>
    {costs.hasPrices ? <td className="number">{formatMoney(total.cost, costs.currency)}</td> : null}
  </tr>
);
