import { Box, Button, chakra, Flex, Input, Popover, Portal, Text } from "@chakra-ui/react";
import {
  type ColumnDef,
  getCoreRowModel,
  getFilteredRowModel,
  getSortedRowModel,
  type SortingState,
  useReactTable,
} from "@tanstack/react-table";
import { memo, useCallback, useDeferredValue, useMemo, useState } from "react";
import { fetchApproval } from "../data/api";
import { MOST_RUNS, useModels } from "../data/useModels";
import { runPath } from "../model/addresses";
import {
  buildColumns,
  type FoundPackage,
  firstColumns,
  type MetricColumn,
  modelsCsv,
  packageKey,
  passes,
  type RunRow,
  searchText,
  series,
  shownVersion,
} from "../model/models";
import { ofState } from "../model/status";
import { formatDuration, formatNumber, formatValue, lastSegment, NOTHING, plural, sign } from "../model/text";
import { InternalLink, Loading, Problem, Quiet, StatusBadge, Table, Time } from "../parts/basics";
import { Sparkline } from "../parts/charts";
import { CompareView } from "./CompareView";

/** How many rows are drawn until a person asks for all. */
const ROWS_AT_FIRST = 100;

/** How many metrics the list to choose from has at once. */
const METRICS_AT_ONCE = 300;

/** The columns that every Dag has. */
const PLAIN = {
  run: "Run",
  state: "State",
  package: "Model package",
  branch: "Branch taken",
  when: "Run after",
  duration: "Duration",
  assets: "Assets",
  code: "Code",
} as const;

type PlainId = keyof typeof PLAIN;

const PLAIN_IDS = Object.keys(PLAIN) as PlainId[];

/** How many of them stand before the metrics. */
const BEFORE_METRICS = 2;

const plainValue = (id: PlainId, row: RunRow): string | number | null => {
  const { run } = row;
  switch (id) {
    case "run":
      return run.runId;
    case "when":
      return run.runAfter;
    case "state":
      return run.state;
    case "duration":
      return run.start === null || run.end === null ? null : run.end - run.start;
    case "package":
      return row.packages[0]?.modelPackage.version ?? null;
    case "branch":
      return row.branches.map((branch) => `${branch.condition} ${branch.side}`).join() || null;
    case "assets":
      return row.assets.join() || null;
    case "code":
      return row.code.map((file) => file.hash ?? file.uri).join() || null;
  }
};

/** Missing values last in both directions; numbers as numbers. */
const compare = (one: unknown, other: unknown): number =>
  typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));

const metricColumnId = (column: MetricColumn): string => `metric:${column.id}`;

/** The "Models" tab of a Dag. */
export const ModelsTab = ({ dagId }: { dagId: string }) => {
  const { data, error, refresh } = useModels(dagId);
  const rows = useMemo(() => data?.rows ?? [], [data]);
  const columns = useMemo(() => buildColumns(rows), [rows]);
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [search, setSearch] = useState("");
  const [sorting, setSorting] = useState<SortingState>([{ id: "when", desc: true }]);
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [approval, setApproval] = useState<ReadonlyMap<string, string>>(new Map());
  const shown = useMemo(() => {
    const ids = chosen ?? firstColumns(columns);
    return columns.filter((column) => ids.has(column.id));
  }, [chosen, columns]);
  const pick = useCallback(
    (runId: string) =>
      setPicked((before) =>
        before.includes(runId) ? before.filter((one) => one !== runId) : [...before, runId].slice(-2),
      ),
    [],
  );
  const keep = useCallback(
    (key: string, status: string) => setApproval((before) => new Map(before).set(key, status)),
    [],
  );
  const hasReports = rows.some((row) => row.pipelines.length > 0 || row.metrics.size > 0);
  const [first, second] = picked.map((runId) => rows.find((row) => row.run.runId === runId));
  if (data === null) {
    return error === null ? (
      <Loading label="Reading the runs" />
    ) : (
      <Box p={4}>
        <Problem onRetry={refresh}>{error}</Problem>
      </Box>
    );
  }
  if (!hasReports && data.isComplete) {
    return (
      <Quiet>
        {rows.length === 0 ? "This Dag has no runs yet." : "No run of this Dag has reported a SageMaker pipeline."}
      </Quiet>
    );
  }
  return (
    <Flex direction="column" gap={4} p={4}>
      {error === null ? null : <Problem onRetry={refresh}>{error}</Problem>}
      <MetricCards columns={shown} rows={rows} />
      {first !== undefined && second !== undefined ? (
        <CompareView columns={columns} first={first} onClose={() => setPicked([])} second={second} />
      ) : null}
      <Flex align="center" gap={2} wrap="wrap">
        <Input
          aria-label="Search the runs"
          maxW="20rem"
          onChange={(event) => setSearch(event.target.value)}
          placeholder="Search runs, packages, parameters"
          size="sm"
          type="search"
          value={search}
        />
        <ColumnChooser chosen={shown} columns={columns} onChange={setChosen} />
        <Button
          onClick={() => download(`${dagId}-models.csv`, modelsCsv(rows, columns, approval))}
          size="sm"
          variant="outline"
        >
          Download CSV
        </Button>
        <Button onClick={refresh} size="sm" variant="outline">
          Refresh
        </Button>
        <Text aria-live="polite" color="fg.muted" fontSize="sm" role="status">
          {data.isComplete
            ? `${plural(rows.length, "run")}${data.total > MOST_RUNS ? ` of ${data.total}: the newest` : ""}`
            : `${rows.length} of ${Math.min(data.total, MOST_RUNS)} runs read …`}
          {picked.length === 1 ? " · choose one more run to compare" : ""}
        </Text>
      </Flex>
      <ModelsTable
        approval={approval}
        columns={shown}
        dagId={dagId}
        onApproval={keep}
        onPick={pick}
        picked={picked}
        rows={rows}
        search={search}
        setSorting={setSorting}
        sorting={sorting}
      />
    </Flex>
  );
};

const download = (name: string, text: string): void => {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};

/** Each shown metric over the runs, with the threshold of its condition. */
const MetricCards = memo(({ columns, rows }: { columns: MetricColumn[]; rows: RunRow[] }) => {
  const numeric = columns.filter((column) => column.isNumeric).slice(0, 8);
  if (numeric.length === 0) return null;
  return (
    <Box display="grid" gap={3} gridTemplateColumns="repeat(auto-fill, minmax(15rem, 1fr))">
      {numeric.map((column) => {
        const points = series(rows, column.id);
        const [before, last] = [points.at(-2), points.at(-1)];
        if (last === undefined) return null;
        const change = before === undefined ? null : last.value - before.value;
        return (
          <Box bg="bg" borderColor="border" borderWidth={1} key={column.id} minW={0} p={3} rounded="md">
            <Text color="fg.muted" fontSize="xs" title={column.title} truncate>
              {column.label}
            </Text>
            <Flex align="baseline" gap={2}>
              <Text fontSize="xl" fontVariantNumeric="tabular-nums" fontWeight="semibold">
                {formatNumber(last.value)}
              </Text>
              <Text color="fg.muted" fontSize="xs">
                {change === null || change === 0 ? "" : `${change > 0 ? "▲" : "▼"} ${formatNumber(Math.abs(change))}`}
              </Text>
              {column.threshold === null ? null : (
                <Text
                  color={passes(last.value, column.threshold) === false ? "red.fg" : "fg.muted"}
                  flex="1"
                  fontSize="xs"
                  textAlign="end"
                >
                  {sign(column.threshold.operator)} {formatNumber(column.threshold.value)}
                </Text>
              )}
            </Flex>
            <Sparkline column={column} points={points} />
          </Box>
        );
      })}
    </Box>
  );
});

const ColumnChooser = ({
  columns,
  chosen,
  onChange,
}: {
  columns: MetricColumn[];
  chosen: MetricColumn[];
  onChange: (ids: ReadonlySet<string>) => void;
}) => {
  const [filter, setFilter] = useState("");
  const ids = new Set(chosen.map((column) => column.id));
  const toggle = (id: string): void => {
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  const found = columns.filter((column) => column.title.toLowerCase().includes(filter.toLowerCase()));
  const listed = found.slice(0, METRICS_AT_ONCE);
  return (
    <Popover.Root lazyMount positioning={{ placement: "bottom-start" }} unmountOnExit>
      <Popover.Trigger asChild>
        <Button disabled={columns.length === 0} size="sm" variant="outline">
          Metrics ({chosen.length} of {columns.length})
        </Button>
      </Popover.Trigger>
      <Portal>
        <Popover.Positioner>
          <Popover.Content aria-label="Metrics to show" maxW="calc(100vw - 1rem)" w="24rem">
            <Popover.Body>
              <Flex gap={2} mb={3}>
                <Input
                  aria-label="Filter the metrics"
                  onChange={(event) => setFilter(event.target.value)}
                  placeholder="Filter"
                  size="xs"
                  value={filter}
                />
                <Button
                  onClick={() => onChange(new Set(listed.map((column) => column.id)))}
                  size="xs"
                  variant="outline"
                >
                  All
                </Button>
                <Button onClick={() => onChange(new Set())} size="xs" variant="outline">
                  None
                </Button>
              </Flex>
              <Box maxH="20rem" overflowY="auto">
                {listed.map((column) => (
                  <chakra.label cursor="pointer" display="flex" fontSize="sm" gap={2} key={column.id} py={0.5}>
                    <input checked={ids.has(column.id)} onChange={() => toggle(column.id)} type="checkbox" />
                    <Text as="span" overflowWrap="anywhere">
                      {column.title}
                    </Text>
                  </chakra.label>
                ))}
              </Box>
              {listed.length === found.length ? null : (
                <Text color="fg.muted" fontSize="xs" mt={2}>
                  The first {METRICS_AT_ONCE} of {found.length}: filter to find the others.
                </Text>
              )}
            </Popover.Body>
          </Popover.Content>
        </Popover.Positioner>
      </Portal>
    </Popover.Root>
  );
};

const MODELS_TABLE = {
  "& th, & td": { px: 2.5, py: 1.5, textAlign: "start", verticalAlign: "top", maxWidth: "20rem" },
  "& thead th": { bg: "bg.muted", color: "fg.muted", fontSize: "xs", position: "sticky", top: 0, zIndex: 1 },
  "& thead button": { fontWeight: "semibold", cursor: "pointer", whiteSpace: "nowrap" },
  "& thead button:hover": { color: "fg" },
  "& thead button:focus-visible": { outline: "2px solid", outlineColor: "border.emphasized" },
  "& tbody tr:hover": { bg: "bg.subtle" },
  "& tr.picked": { bg: "bg.info" },
  "& .run": { maxWidth: "18rem", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  "& .fails": { color: "red.fg" },
  "& .mono": { fontFamily: "mono", fontSize: "xs", whiteSpace: "nowrap" },
  "& .refresh": { borderWidth: 1, borderColor: "border.emphasized", rounded: "sm", px: 1.5, ms: 2, cursor: "pointer" },
  "& .refresh:hover": { bg: "bg.muted" },
} as const;

const ModelsTable = ({
  rows,
  columns,
  search,
  sorting,
  setSorting,
  picked,
  onPick,
  approval,
  onApproval,
  dagId,
}: {
  rows: RunRow[];
  columns: MetricColumn[];
  search: string;
  sorting: SortingState;
  setSorting: (next: SortingState) => void;
  picked: readonly string[];
  onPick: (runId: string) => void;
  approval: ReadonlyMap<string, string>;
  onApproval: (key: string, status: string) => void;
  dagId: string;
}) => {
  const [showsAll, setShowsAll] = useState(false);
  const wanted = useDeferredValue(search.trim().toLowerCase());
  const definitions = useMemo(
    (): ColumnDef<RunRow, unknown>[] => [
      ...PLAIN_IDS.slice(0, BEFORE_METRICS).map((id) => plainColumn(id)),
      ...columns.map(
        (column): ColumnDef<RunRow, unknown> => ({
          id: metricColumnId(column),
          accessorFn: (row) => row.metrics.get(column.id),
          sortingFn: (one, other, id) => compare(one.getValue(id), other.getValue(id)),
          sortUndefined: "last",
          header: column.label,
          meta: column,
        }),
      ),
      ...PLAIN_IDS.slice(BEFORE_METRICS).map((id) => plainColumn(id)),
    ],
    [columns],
  );
  const table = useReactTable({
    data: rows,
    columns: definitions,
    state: { sorting, globalFilter: wanted },
    onSortingChange: (update) => setSorting(typeof update === "function" ? update(sorting) : update),
    getRowId: (row) => row.run.runId,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    globalFilterFn: (row, _, value: string) => searchText(row.original).includes(value),
    getColumnCanGlobalFilter: (column) => column.id === "run",
  });
  const found = table.getSortedRowModel().rows;
  const drawn = showsAll ? found : found.slice(0, ROWS_AT_FIRST);
  return (
    <Box borderColor="border" borderWidth={1} minW={0} overflow="hidden" rounded="md">
      <Table css={MODELS_TABLE} label="Models, one row a run">
        <thead>
          <tr>
            <th scope="col">
              <chakra.span srOnly>Compare</chakra.span>
            </th>
            {table.getFlatHeaders().map((header) => {
              const metric = header.column.columnDef.meta as MetricColumn | undefined;
              const sorted = header.column.getIsSorted();
              return (
                <th
                  aria-sort={sorted === false ? "none" : sorted === "asc" ? "ascending" : "descending"}
                  className={metric?.isNumeric || header.column.id === "duration" ? "number" : ""}
                  key={header.id}
                  scope="col"
                >
                  <button onClick={header.column.getToggleSortingHandler()} title={metric?.title} type="button">
                    {String(header.column.columnDef.header)}
                    <span aria-hidden="true"> {sorted === false ? "" : sorted === "asc" ? "▲" : "▼"}</span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {drawn.map(({ original }) => (
            <Row
              approval={original.packages.length === 0 ? null : approval}
              columns={columns}
              dagId={dagId}
              isPicked={picked.includes(original.run.runId)}
              key={original.run.runId}
              onApproval={onApproval}
              onPick={onPick}
              row={original}
            />
          ))}
        </tbody>
      </Table>
      {found.length === 0 ? <Quiet>No run matches the search.</Quiet> : null}
      {drawn.length < found.length ? (
        <Flex borderColor="border" borderTopWidth={1} justify="center" p={2}>
          <Button onClick={() => setShowsAll(true)} size="sm" variant="ghost">
            Show all {found.length} runs
          </Button>
        </Flex>
      ) : null}
    </Box>
  );
};

const plainColumn = (id: PlainId): ColumnDef<RunRow, unknown> => ({
  id,
  header: PLAIN[id],
  accessorFn: (row) => plainValue(id, row) ?? undefined,
  sortingFn: (one, other, column) => compare(one.getValue(column), other.getValue(column)),
  sortUndefined: "last",
});

const Row = memo(
  ({
    row,
    columns,
    dagId,
    isPicked,
    onPick,
    approval,
    onApproval,
  }: {
    row: RunRow;
    columns: MetricColumn[];
    dagId: string;
    isPicked: boolean;
    onPick: (runId: string) => void;
    approval: ReadonlyMap<string, string> | null;
    onApproval: (key: string, status: string) => void;
  }) => {
    const { run } = row;
    const duration = plainValue("duration", row);
    return (
      <tr className={isPicked ? "picked" : ""}>
        <td>
          <input
            aria-label={`Compare ${run.runId}`}
            checked={isPicked}
            onChange={() => onPick(run.runId)}
            type="checkbox"
          />
        </td>
        <th className="run" scope="row" title={run.runId}>
          <InternalLink to={runPath(dagId, run.runId)}>{run.runId}</InternalLink>
        </th>
        <td>
          <StatusBadge status={ofState(run.state)} />
        </td>
        {columns.map((column) => (
          <MetricCell column={column} key={column.id} row={row} />
        ))}
        <td>
          {row.packages.length === 0
            ? NOTHING
            : row.packages.map((found) => (
                <PackageCell
                  current={approval?.get(packageKey(row, found)) ?? null}
                  dagId={dagId}
                  found={found}
                  key={packageKey(row, found)}
                  onApproval={onApproval}
                  row={row}
                />
              ))}
        </td>
        <td>
          {row.branches.length === 0
            ? NOTHING
            : row.branches.map((branch) => (
                <div className="short" key={branch.condition}>
                  {branch.condition}: {branch.side}
                  <span className="muted">{branch.text === "" ? "" : ` · ${branch.text}`}</span>
                </div>
              ))}
        </td>
        <td className="short">
          <Time value={run.runAfter} />
        </td>
        <td className="number">{formatDuration(typeof duration === "number" ? duration : null)}</td>
        <td title={row.assets.join("\n") || undefined}>
          {row.assets.length === 0 ? NOTHING : row.assets.map(lastSegment).join(", ")}
        </td>
        <td className="mono" title={row.code.map((file) => file.uri).join("\n") || undefined}>
          {row.code.length === 0
            ? NOTHING
            : row.code.slice(0, 3).map((file) => <div key={file.uri}>{file.hash?.slice(0, 8) ?? file.name}</div>)}
          {row.code.length > 3 ? <div>and {row.code.length - 3} more</div> : null}
        </td>
      </tr>
    );
  },
);

const MetricCell = ({ column, row }: { column: MetricColumn; row: RunRow }) => {
  const value = row.metrics.get(column.id);
  const threshold = row.thresholds.get(column.id);
  const missed =
    threshold !== undefined && typeof value === "number" && passes(value, threshold) === false ? threshold : null;
  return (
    <td
      className={`${column.isNumeric ? "number" : "wide"}${missed === null ? "" : " fails"}`}
      title={missed === null ? undefined : `not ${sign(missed.operator)} ${missed.value}`}
    >
      {formatValue(value)}
    </td>
  );
};

const PackageCell = ({
  row,
  found,
  dagId,
  current,
  onApproval,
}: {
  row: RunRow;
  found: FoundPackage;
  dagId: string;
  current: string | null;
  onApproval: (key: string, status: string) => void;
}) => {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const refresh = async (): Promise<void> => {
    setIsBusy(true);
    setError(null);
    try {
      const { taskId, mapIndex } = found;
      const status = await fetchApproval({ dagId, runId: row.run.runId, taskId, mapIndex });
      if (status !== null) onApproval(packageKey(row, found), status);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <div>
      <span className="short">
        {shownVersion(found.modelPackage)}
        <button
          aria-label={`Refresh the approval status of ${shownVersion(found.modelPackage)}`}
          className="refresh"
          disabled={isBusy}
          onClick={() => void refresh()}
          title="Ask the model registry"
          type="button"
        >
          {isBusy ? "…" : "↻"}
        </button>
      </span>
      <div className="muted short" title={current === null ? "As of the end of the step" : "As of the last refresh"}>
        {current ?? found.modelPackage.approvalStatus ?? NOTHING}
      </div>
      {error === null ? null : (
        <div className="fails" role="alert">
          {error}
        </div>
      )}
    </div>
  );
};
