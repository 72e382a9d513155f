"""The trigger that follows one step of a pipeline execution."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from airflow.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.outcome import Branch, Fail, Skip, StepTarget, Succeed, Wait, decide
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.triggers.connections import (
    ConnectionSettings,
    SharedConnection,
    shared_connection,
)
from airflow_sm_pipelines.triggers.pace import Pace
from airflow_sm_pipelines.triggers.progress import StepProgress
from airflow_sm_pipelines.triggers.watch import Seen, watch_execution
from airflow_sm_pipelines.triggers.xcoms import XComPusher, branch_xcom

Ending = Succeed | Fail | Skip


class SageMakerPipelineStepTrigger(BaseTrigger):
    """
    Follow one step of a pipeline execution until it is over.

    Ends the task from the triggerer (``end_from_trigger``), with the XComs ``step_status``, ``job_arn``,
    ``outputs``, ``property_files``, the extra links and, for a Condition step, the branch not taken; or else
    resumes the task on a worker with ``{"status": "success" | "failed" | "skipped", "reason", "step_name",
    "pipeline_execution_arn", "job_arn"}``. Writes what the step does into the task's log; when the step fails
    and the task ends here, also the reason, the job and the last lines of the job's log.

    All triggers of one execution share one poller. A trigger that starts over in another triggerer loses
    nothing: it looks at the execution again.

    Does not stop anything: neither when the task is killed (``on_kill``) nor when it is cancelled.

    :param pipeline_execution_arn: the execution; rendered when the task starts from the trigger.
    :param step_name: the step's name in the pipeline definition.
    :param property_files: the property files to read when the step has succeeded, by name:
        ``{"output_name": ..., "file_path": ...}``.
    :param skipped_task_ids: for a Condition step: the full ids of the tasks directly downstream to skip when
        its outcome is ``"True"`` and when it is ``"False"``.
    :param branches: the branches of Condition steps that hold the step, outermost first, each as
        ``[<condition step>, "True" | "False"]``: when one is not taken the task is skipped.
    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: the region; by default the execution's own.
    :param verify: overrides whether certificates are verified.
    :param botocore_config: the arguments of botocore's ``Config``.
    :param waiter_delay: the longest wait between two looks, in seconds. They begin much shorter.
    :param waiter_max_attempts: gives up after ``waiter_delay * waiter_max_attempts`` seconds in a triggerer.
        It is no count of looks: these come more often at first.
    :param log_lines: how many of the last lines of a failed step's job log to show.
    :param end_from_trigger: end the task here, without a worker.
    """

    def __init__(
        self,
        *,
        pipeline_execution_arn: str | None,
        step_name: str,
        property_files: Mapping[str, Mapping[str, str]] | None = None,
        skipped_task_ids: Mapping[str, Sequence[str]] | None = None,
        branches: Sequence[Sequence[str]] | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
        waiter_delay: float = 30,
        waiter_max_attempts: int | None = None,
        log_lines: int = 20,
        end_from_trigger: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.pipeline_execution_arn = pipeline_execution_arn
        self.step_name = step_name
        self.property_files = property_files or {}
        self.skipped_task_ids = skipped_task_ids or {}
        self.branches = branches or []
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self.waiter_delay = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.log_lines = log_lines
        self.end_from_trigger = end_from_trigger

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the keyword arguments to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "pipeline_execution_arn": self.pipeline_execution_arn,
                "step_name": self.step_name,
                "property_files": {name: dict(place) for name, place in self.property_files.items()},
                "skipped_task_ids": {outcome: list(ids) for outcome, ids in self.skipped_task_ids.items()},
                "branches": [list(branch) for branch in self.branches],
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
                "verify": self.verify,
                "botocore_config": None if self.botocore_config is None else dict(self.botocore_config),
                "waiter_delay": self.waiter_delay,
                "waiter_max_attempts": self.waiter_max_attempts,
                "log_lines": self.log_lines,
                "end_from_trigger": self.end_from_trigger,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow the step, then tell how it ended, once."""
        step: StepSnapshot | None = None
        try:
            arn = self._execution_arn()
            settings = ConnectionSettings.of(
                self.aws_conn_id, self.region_name or arn.region, self.verify, self.botocore_config
            )
            async with shared_connection(settings) as connection:
                ending, step = await self._follow(connection)
        except PipelineExecutionError as error:
            ending = Fail(str(error))
            self.log.error("%s", ending.reason)  # noqa: TRY400 - the message says it all, a traceback nothing
        # Nothing is held any more: whoever runs this may leave it here for good.
        yield self._event(ending, step)

    def _execution_arn(self) -> PipelineExecutionArn:
        # A template that pulls an XCom which is not there renders to the text "None".
        if self.pipeline_execution_arn in (None, "", "None"):
            raise PipelineExecutionError(
                f"step {self.step_name!r} has no execution to follow: pipeline_execution_arn is "
                f"{self.pipeline_execution_arn!r}. The launch task has pushed no execution ARN in this "
                "Dag run; check its log, and clear it to start the execution"
            )
        return PipelineExecutionArn.parse(str(self.pipeline_execution_arn))

    async def _follow(self, connection: SharedConnection) -> tuple[Ending, StepSnapshot | None]:
        progress = StepProgress(self.log, self.step_name, str(self.pipeline_execution_arn))
        pusher = XComPusher(self.task_instance)
        ending, snapshot = await self._wait(connection, progress, pusher)
        step = None if snapshot is None else snapshot.steps.get(self.step_name)
        if self.end_from_trigger:
            await self._end(connection, progress, pusher, ending, step)
        return ending, step

    async def _wait(
        self, connection: SharedConnection, progress: StepProgress, pusher: XComPusher
    ) -> tuple[Ending, ExecutionSnapshot | None]:
        target = StepTarget(
            self.step_name,
            tuple(Branch(condition, outcome == "True") for condition, outcome in self.branches),
        )
        loop = asyncio.get_running_loop()
        limit = None if self.waiter_max_attempts is None else self.waiter_delay * self.waiter_max_attempts
        deadline = None if limit is None else loop.time() + limit
        snapshot: ExecutionSnapshot | None = None
        arn = str(self.pipeline_execution_arn)
        async with watch_execution(arn, connection, self.waiter_delay) as subscription:
            while True:
                left = None if deadline is None else max(0.0, deadline - loop.time())
                try:
                    news = await asyncio.wait_for(subscription.next(), left)
                except asyncio.TimeoutError:
                    return Fail(
                        f"gave up on step {self.step_name!r} after {limit:g} seconds (waiter_delay "
                        f"{self.waiter_delay:g} x waiter_max_attempts {self.waiter_max_attempts}); "
                        f"last seen: {progress.last_seen}"
                    ), snapshot
                if not isinstance(news, Seen):
                    progress.trouble(news.error)
                    continue
                snapshot = news.snapshot
                progress.seen(snapshot)
                await pusher.push_links(snapshot, snapshot.steps.get(self.step_name))
                decision = decide(snapshot, target)
                if not isinstance(decision, Wait):
                    return decision, snapshot

    async def _end(
        self,
        connection: SharedConnection,
        progress: StepProgress,
        pusher: XComPusher,
        ending: Ending,
        step: StepSnapshot | None,
    ) -> None:
        """Do what else a worker would do: the last words in the log, and the XComs."""
        if isinstance(ending, Skip):
            self.log.info("Skipping: %s", ending.reason)
        if isinstance(ending, Fail):
            self.log.error("%s", ending.reason)
        if step is None or not step.status.is_terminal:
            return
        result = await connection.persist(
            lambda hook: hook.collect_step_result(step, self.property_files),
            Pace(self.waiter_delay),
            progress.trouble,
        )
        await pusher.push(result.xcoms())
        await pusher.push(branch_xcom(step, self.skipped_task_ids))
        if isinstance(ending, Fail):
            for line in await connection.run(lambda hook: hook.failure_report(step, self.log_lines)):
                self.log.error("%s", line)

    def _event(self, ending: Ending, step: StepSnapshot | None) -> TriggerEvent:
        if self.end_from_trigger:
            if isinstance(ending, Succeed):
                return TaskSuccessEvent()
            return TaskSkippedEvent() if isinstance(ending, Skip) else TaskFailedEvent()
        statuses = {Succeed: "success", Fail: "failed", Skip: "skipped"}
        return TriggerEvent(  # type: ignore[no-untyped-call]
            {
                "status": statuses[type(ending)],
                "reason": None if isinstance(ending, Succeed) else ending.reason,
                "step_name": self.step_name,
                "pipeline_execution_arn": self.pipeline_execution_arn,
                "job_arn": None if step is None else step.job_arn,
            }
        )
