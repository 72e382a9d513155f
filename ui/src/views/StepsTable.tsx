import { taskPath } from "../model/addresses";
import type { Costs } from "../model/costs";
import { type Execution, stepDuration } from "../model/execution";
import { keyed } from "../model/keys";
import { formatDuration, formatMoney, lastSegment, NOTHING } from "../model/text";
import { buildTimeline, runKey } from "../model/timeline";
import { Columns, InternalLink, StatusBadge, Table } from "../parts/basics";

/** All that the graph and the timeline show, as a table. */
export const StepsTable = ({
  execution,
  costs,
  now,
  dagId,
  runId,
}: {
  execution: Execution;
  costs: Costs;
  now: number;
  dagId: string;
  runId: string;
}) => {
  const lanes = new Map((buildTimeline(execution, now)?.lanes ?? []).map((lane) => [lane.key, lane]));
  const lines = new Map(costs.lines.map((line) => [runKey({ name: line.step }, line), line]));
  return (
    <Table label={`Steps of ${execution.report.pipeline ?? execution.taskId}`}>
      <Columns
        names={[
          "Step",
          "Type",
          "Status",
          { number: "Waited" },
          { number: "Duration" },
          "Instances",
          { number: "Attempt" },
          "Cache",
          { number: "Billable" },
          costs.hasPrices ? { number: "Estimate" } : null,
          "After",
        ]}
      />
      <tbody>
        {execution.steps.flatMap((step) =>
          (step.runs.length > 0 ? step.runs : [null]).map((run) => {
            const key = runKey(step, run ?? { mapIndex: -1 });
            const lane = lanes.get(key);
            const line = lines.get(key);
            const report = run?.report ?? null;
            const name = run === null || run.mapIndex < 0 ? step.name : `${step.name} [${run.label ?? run.mapIndex}]`;
            return (
              <tr key={key}>
                <th scope="row">
                  {step.taskId === null ? (
                    name
                  ) : (
                    <InternalLink to={taskPath(dagId, runId, step.taskId, run?.mapIndex)}>{name}</InternalLink>
                  )}
                  {lane?.isCritical ? <div className="muted">critical path</div> : null}
                  {keyed(step.comparisons, (comparison) => comparison.text).map(([key, comparison]) => (
                    <div className="muted" key={key}>
                      {comparison.text}
                      {comparison.holds === null ? "" : comparison.holds ? ": holds" : ": does not hold"}
                    </div>
                  ))}
                </th>
                <td className="short">
                  {step.type}
                  {step.branch === null ? null : (
                    <div className="muted">
                      {step.branch.condition}: {step.branch.side}
                    </div>
                  )}
                  {step.inEach === null ? null : <div className="muted">in {step.inEach}</div>}
                </td>
                <td>
                  <StatusBadge status={run?.status ?? step.status} />
                </td>
                <td className="number">
                  {lane?.waitFrom == null ? NOTHING : formatDuration(lane.start - lane.waitFrom)}
                </td>
                <td className="number">{formatDuration(run === null ? null : stepDuration({ runs: [run] }, now))}</td>
                <td className="short">
                  {report?.instance ? `${report.instance.count} × ${report.instance.type}` : NOTHING}
                </td>
                <td className="number">{report?.attempt ?? NOTHING}</td>
                <td className="short" title={report?.cache?.sourceExecution ?? report?.cache?.miss ?? undefined}>
                  {report?.cache == null
                    ? NOTHING
                    : report.cache.hit
                      ? `hit${report.cache.sourceExecution === null ? "" : ` of ${lastSegment(report.cache.sourceExecution)}`}`
                      : "no hit"}
                </td>
                <td className="number">
                  {line?.billableSeconds == null ? NOTHING : formatDuration(line.billableSeconds * 1000)}
                </td>
                {costs.hasPrices ? <td className="number">{formatMoney(line?.cost ?? null, costs.currency)}</td> : null}
                <td className="muted">{step.dependsOn.join(", ") || NOTHING}</td>
              </tr>
            );
          }),
        )}
      </tbody>
    </Table>
  );
};
