"""The trigger of a task beside an Airflow task in the middle of a pipeline: it answers the step, and follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.compatibility.states import state_of_task
from airflow_sm_pipelines.compatibility.triggerer import read_xcom, skipped_by
from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.answer import (
    RETURN_VALUE,
    Answer,
    AnsweredTask,
    failed_answer,
    is_over,
    skipping_answer,
    successful_answer,
)
from airflow_sm_pipelines.execution.ending import Ending
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.triggers.connections import SharedConnection
from airflow_sm_pipelines.triggers.memory import TaskMemory
from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger

SHOWN_AFTER: Final = 60.0
"""How long the service may take to show that a step whose answer it refuses was answered before, in seconds."""

STOPPED: Final = Answer.failure("The execution is being stopped")

IN_DAG_TEST: Final = Answer.failure(
    "dag.test() and 'airflow dags test' run one task after another, so Airflow tasks in the middle of a pipeline "
    "cannot be waited for. Run the Dag in Airflow"
)


@dataclass(frozen=True)
class _WaitingStep:
    """The step, where it waits for an answer."""

    pipeline_execution_arn: str
    callback_token: str | None
    is_stopping: bool


class SageMakerAnsweringTrigger(SageMakerPipelineStepTrigger):
    """
    Wait for the end of an Airflow task, answer the Callback step that stands for it, and follow the step.

    Each answer is sent with a token that is made of it, so that sending it again (as another triggerer does, and after
    an answer that was lost) has no effect. A step that waits once more, as its execution was resumed, is answered once
    more. While the execution stops the step is failed at once: it does not stop before. Whatever else ends this trigger
    leaves the pipeline waiting.

    :param answered: the Airflow task, as :meth:`~airflow_sm_pipelines.execution.answer.AnsweredTask.to_dict` has it.
    :param kwargs: see :class:`~airflow_sm_pipelines.triggers.step.SageMakerPipelineStepTrigger`.
    """

    def __init__(self, *, answered: AnsweredTask | Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.answered = answered if isinstance(answered, AnsweredTask) else AnsweredTask(**answered)
        self._snapshot: ExecutionSnapshot | None = None
        self._news = asyncio.Event()

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments to make this trigger again, as JSON."""
        return {**super().arguments(), "answered": self.answered.to_dict()}

    def on_look(self, snapshot: ExecutionSnapshot) -> None:
        """Take note of a look at the execution.

        :param snapshot: what was seen.
        """
        self._snapshot = snapshot
        self._news.set()

    async def _follow_and_finish(self, connection: SharedConnection, memory: TaskMemory) -> tuple[Ending, bool]:
        following = asyncio.create_task(super()._follow_and_finish(connection, memory))
        answering = asyncio.create_task(self._answer(connection))
        try:
            await asyncio.wait({following, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                answering.result()  # it ends by an error only
            return await following
        finally:
            for each in (following, answering):
                each.cancel()
            await asyncio.gather(following, answering, return_exceptions=True)

    async def _answer(self, connection: SharedConnection) -> None:
        """Answer the step each time that it waits, until cancelled."""
        answered: set[str] = set()
        pace = Pace(self.wait.waiter_delay)
        told = False
        while True:
            self._news.clear()
            waiting = self._waiting_step(self._snapshot)
            if waiting is None or waiting.callback_token in answered:
                await self._news.wait()
                continue
            if not told:
                self.log.info("The pipeline waits for the end of Airflow task '%s'", self.answered.task_id)
                told = True
            answer = STOPPED if waiting.is_stopping else await self._answer_now(connection, waiting)
            token = waiting.callback_token
            if answer is not None and token is None:
                token = await self._token_in_queue(connection, waiting)
            if answer is None or token is None or token in answered:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pace.after_nothing())
                continue
            await self._send(connection, waiting.pipeline_execution_arn, token, answer)
            answered.add(token)
            pace, told = Pace(self.wait.waiter_delay), False

    def _waiting_step(self, snapshot: ExecutionSnapshot | None) -> _WaitingStep | None:
        step = self.awaited.step(snapshot)
        if snapshot is None or step is None or step.status not in (StepStatus.EXECUTING, StepStatus.STOPPING):
            return None
        stopping = snapshot.status is ExecutionStatus.STOPPING or step.status is StepStatus.STOPPING
        return _WaitingStep(str(snapshot.arn), step.callback_token, stopping)

    async def _token_in_queue(self, connection: SharedConnection, waiting: _WaitingStep) -> str | None:
        """Return the step's token from its message, where the service does not list it."""
        arn, queue_url, task_id = waiting.pipeline_execution_arn, self.answered.queue_url, self.answered.task_id
        try:
            return await connection.persist(
                lambda hook: hook.find_callback_token(queue_url, arn, task_id),
                Pace(self.wait.waiter_delay),
                self._in_trouble,
            )
        except SageMakerServiceError as error:
            self.log.warning("SageMaker lists no callback token yet, and the queue cannot be read: %s", error)
            return None

    async def _answer_now(self, connection: SharedConnection, waiting: _WaitingStep) -> Answer | None:
        """Return the answer as the Airflow task is now; ``None`` while it is not over."""
        if self.task_instance is None:
            return IN_DAG_TEST
        task_id = self.answered.task_id
        state = await state_of_task(self.task_instance, task_id)
        if not is_over(state):
            return None
        if (failed := failed_answer(task_id, state)) is not None:
            return failed
        if self.answered.followers:
            skipped = await skipped_by(self.task_instance, task_id, self.answered.followers)
            if (skipping := skipping_answer(self.answered, skipped)) is not None:
                return skipping
        arn, name = waiting.pipeline_execution_arn, str(self.awaited.step_name)
        declared = await connection.persist(
            lambda hook: hook.declared_outputs(arn, name), Pace(self.wait.waiter_delay), self._in_trouble
        )
        return successful_answer(task_id, declared, await self._xcoms(declared))

    async def _xcoms(self, declared: Mapping[str, str]) -> dict[str, Any]:
        task_id = self.answered.task_id
        xcoms = {name: await read_xcom(self.task_instance, name, task_id) for name in declared}
        if None in xcoms.values() and RETURN_VALUE not in xcoms:
            xcoms[RETURN_VALUE] = await read_xcom(self.task_instance, RETURN_VALUE, task_id)
        return xcoms

    async def _send(self, connection: SharedConnection, arn: str, token: str, answer: Answer) -> None:
        """Send an answer.

        :raises SageMakerServiceError: the service refuses it, and nobody has answered before.
        """
        try:
            await connection.persist(
                lambda hook: hook.answer_callback(arn, token, answer), Pace(self.wait.waiter_delay), self._in_trouble
            )
        except SageMakerServiceError as error:
            self.log.warning("SageMaker refuses the answer: %s", error)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._until_answered(token), SHOWN_AFTER)
                return
            raise
        told = "success" if answer.outputs is not None else f"failure: {answer.reason}"
        self.log.info("Reported the end of Airflow task '%s' to SageMaker: %s", self.answered.task_id, told)

    async def _until_answered(self, callback_token: str) -> None:
        while True:
            self._news.clear()
            waiting = self._waiting_step(self._snapshot)
            if waiting is None or waiting.callback_token not in (None, callback_token):
                return
            await self._news.wait()

    async def after_stop(self, connection: SharedConnection, pipeline_execution_arn: str) -> None:
        """Fail the step: an execution does not stop while a Callback step waits.

        :param connection: where.
        :param pipeline_execution_arn: the execution.
        """
        pace, clock = Pace(self.wait.waiter_delay), asyncio.get_running_loop().time
        deadline = clock() + SHOWN_AFTER
        while clock() < deadline:
            snapshot = await connection.persist(
                lambda hook: hook.snapshot(pipeline_execution_arn), pace, self._in_trouble
            )
            if snapshot.status.is_terminal:
                return
            waiting = self._waiting_step(snapshot)
            if waiting is not None and waiting.is_stopping:
                token = waiting.callback_token or await self._token_in_queue(connection, waiting)
                if token is not None:
                    with suppress(SageMakerServiceError):  # logged; somebody has answered before
                        self._snapshot = None
                        await self._send(connection, pipeline_execution_arn, token, STOPPED)
                    return
            await asyncio.sleep(pace.after_nothing())
