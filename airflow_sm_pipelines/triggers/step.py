"""The trigger that follows one step of a pipeline execution."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from airflow.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.outcome import Branch, Fail, Skip, StepTarget, Succeed
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.resume import OnRetry
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.time_limit import earliest, waiter_limit
from airflow_sm_pipelines.triggers.connections import (
    ConnectionSettings,
    SharedConnection,
    shared_connection,
)
from airflow_sm_pipelines.triggers.deadline import task_limit, within
from airflow_sm_pipelines.triggers.follower import Ending, Found, StepFollower
from airflow_sm_pipelines.triggers.handover import until_worker_is_done
from airflow_sm_pipelines.triggers.kill import see_through, state_of_task, was_failed_by_a_person
from airflow_sm_pipelines.triggers.memory import TaskMemory, TryEnd
from airflow_sm_pipelines.triggers.xcoms import XComPusher, branch_xcom


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

    When this is another try of its task and the step failed in the try before, the execution is resumed first
    (``on_retry``). When a person marks the task or its Dag run failed, the execution is stopped (``stop_on_kill``);
    clearing the task, marking it successful, timeouts and the end of a triggerer stop nothing.

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
    :param execution_timeout: the task's, in seconds; for the message only. When it is over Airflow says.
    :param log_lines: how many of the last lines of a failed step's job log to show.
    :param end_from_trigger: end the task here, without a worker.
    :param launch_task_id: the full id of the task that launched the execution; it keeps what a next try has to know.
        Without it every failure is taken for a new one.
    :param on_retry: ``"resume"`` or ``"restart"``, as :class:`~airflow_sm_pipelines.execution.resume.OnRetry` says.
    :param stop_on_kill: stop the execution when a person fails the task or the Dag run.
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
        execution_timeout: float | None = None,
        log_lines: int = 20,
        end_from_trigger: bool = True,
        launch_task_id: str | None = None,
        on_retry: str = OnRetry.RESUME.value,
        stop_on_kill: bool = True,
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
        self.execution_timeout = execution_timeout
        self.log_lines = log_lines
        self.end_from_trigger = end_from_trigger
        self.launch_task_id = launch_task_id
        self.on_retry = on_retry
        self.stop_on_kill = stop_on_kill
        self._follower: StepFollower | None = None

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
                "execution_timeout": self.execution_timeout,
                "log_lines": self.log_lines,
                "end_from_trigger": self.end_from_trigger,
                "launch_task_id": self.launch_task_id,
                "on_retry": self.on_retry,
                "stop_on_kill": self.stop_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow the step, then tell how it ended, once."""
        began = asyncio.get_running_loop().time()
        memory = TaskMemory(self.task_instance, self.launch_task_id)
        try:
            found = await self._skip_with_the_launch() or await self._follow(memory)
        except PipelineExecutionError as error:
            found = Found(Fail(str(error)))
            self.log.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback nothing
        if not isinstance(found.ending, Succeed):
            await memory.keep(TryEnd(memory.try_number, failure=found.failure))
        if not self.end_from_trigger:
            await until_worker_is_done(self.task_instance, began)
        # Nothing is held any more: whoever runs this may leave it here for good.
        yield self._event(found)

    async def on_kill(self) -> None:
        """Stop the execution if a person failed the task or its Dag run."""
        if not self.stop_on_kill or self.task_instance is None:
            return
        # Without a follower the trigger was cancelled before it could look, such as while a connection was read.
        arn = self.pipeline_execution_arn if self._follower is None else self._follower.pipeline_execution_arn
        try:
            execution = PipelineExecutionArn.parse(arn)
        except PipelineExecutionError:
            return  # there is none; run() says so
        await see_through(self._stop_if_failed_by_a_person(execution))

    async def _stop_if_failed_by_a_person(self, execution: PipelineExecutionArn) -> None:
        memory = TaskMemory(self.task_instance, self.launch_task_id)
        end = await memory.last_end()
        if end is not None and end.try_number >= memory.try_number:
            return  # it ended by itself, in another triggerer
        if not await was_failed_by_a_person(self.task_instance):
            return
        arn = str(execution)
        self.log.info("The task was failed by a person: stopping execution %s", arn)
        await memory.keep(TryEnd(memory.try_number, stopped_execution=arn))
        async with shared_connection(self._connection_settings(execution)) as connection:
            try:
                stopped = await connection.persist(
                    lambda hook: hook.stop_execution(arn), Pace(self.waiter_delay), self._in_trouble
                )
            except SageMakerServiceError as error:
                self.log.warning("The execution was not stopped: %s", error)
                return
        if not stopped:
            self.log.info("The execution was not executing any more")

    def _in_trouble(self, error: SageMakerServiceError) -> None:
        self.log.warning("SageMaker is in trouble, going on: %s", error)

    async def _skip_with_the_launch(self) -> Found | None:
        """The end of a task that Airflow starts although nothing was launched, since the launch task was skipped."""
        if self._has_execution or not self.launch_task_id or self.task_instance is None:
            return None
        if await state_of_task(self.task_instance, self.launch_task_id) != "skipped":
            return None
        reason = f"task '{self.launch_task_id}' was skipped, so there is no execution"
        self.log.info("Skipping: %s", reason)
        return Found(Skip(reason))

    @property
    def _has_execution(self) -> bool:
        # A template that pulls an XCom which is not there renders to the text "None".
        return self.pipeline_execution_arn not in (None, "", "None")

    def _execution_arn(self) -> PipelineExecutionArn:
        if not self._has_execution:
            raise PipelineExecutionError(
                f"step {self.step_name!r} has no execution to follow: pipeline_execution_arn is "
                f"{self.pipeline_execution_arn!r}. The launch task has pushed no execution ARN in this "
                "Dag run; check its log, and clear it to start the execution"
            )
        return PipelineExecutionArn.parse(str(self.pipeline_execution_arn))

    def _connection_settings(self, arn: PipelineExecutionArn) -> ConnectionSettings:
        return ConnectionSettings.of(
            self.aws_conn_id, self.region_name or arn.region, self.verify, self.botocore_config
        )

    async def _follow(self, memory: TaskMemory) -> Found:
        arn = self._execution_arn()
        pusher = XComPusher(self.task_instance)
        limit = earliest(
            [
                waiter_limit(time.time(), self.waiter_delay, self.waiter_max_attempts),
                task_limit(self, self.execution_timeout),
            ]
        )
        async with shared_connection(self._connection_settings(arn)) as connection:
            self._follower = StepFollower(
                connection=connection,
                target=StepTarget(
                    self.step_name,
                    tuple(Branch(condition, outcome == "True") for condition, outcome in self.branches),
                ),
                on_retry=OnRetry(self.on_retry),
                waiter_delay=self.waiter_delay,
                limit=limit,
                memory=memory,
                pusher=pusher,
                log=self.log,
            )
            found = await self._follower.follow(str(arn))
            if not self.end_from_trigger:
                return found
            try:
                await within(limit, self._end(connection, pusher, found))
            except asyncio.TimeoutError:
                self.log.error("%s", self._follower.timeout_reason)  # noqa: TRY400 - a traceback says nothing
                return Found(Fail(self._follower.timeout_reason), found.snapshot)
        return found

    async def _end(self, connection: SharedConnection, pusher: XComPusher, found: Found) -> None:
        """Do what else a worker would do: the last words in the log, and the XComs."""
        if isinstance(found.ending, Skip):
            self.log.info("Skipping: %s", found.ending.reason)
        if isinstance(found.ending, Fail):
            self.log.error("%s", found.ending.reason)
        step = self._step(found)
        if step is None or not step.status.is_terminal or self._follower is None:
            return
        result = await connection.persist(
            lambda hook: hook.collect_step_result(step, self.property_files),
            Pace(self.waiter_delay),
            self._follower.progress.trouble,
        )
        await pusher.push(result.xcoms())
        await pusher.push(branch_xcom(step, self.skipped_task_ids))
        if isinstance(found.ending, Fail):
            for line in await connection.run(lambda hook: hook.failure_report(step, self.log_lines)):
                self.log.error("%s", line)

    def _step(self, found: Found) -> StepSnapshot | None:
        return None if found.snapshot is None else found.snapshot.steps.get(self.step_name)

    def _event(self, found: Found) -> TriggerEvent:
        ending: Ending = found.ending
        if self.end_from_trigger:
            if isinstance(ending, Succeed):
                return TaskSuccessEvent()
            return TaskSkippedEvent() if isinstance(ending, Skip) else TaskFailedEvent()
        statuses = {Succeed: "success", Fail: "failed", Skip: "skipped"}
        step = self._step(found)
        return TriggerEvent(  # type: ignore[no-untyped-call]
            {
                "status": statuses[type(ending)],
                "reason": None if isinstance(ending, Succeed) else ending.reason,
                "step_name": self.step_name,
                "pipeline_execution_arn": (
                    self._follower.pipeline_execution_arn if self._follower else self.pipeline_execution_arn
                ),
                "job_arn": None if step is None else step.job_arn,
            }
        )
