"""The connection arguments that operators and sensors share, and their hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_sm_pipelines.exceptions import SageMakerServiceError, TranslationError

if TYPE_CHECKING:
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

Result = TypeVar("Result")


class ConnectedTask:
    """
    Mixin of operators and sensors that call AWS by one Airflow connection.

    They take the arguments themselves, so that a Dag's ``default_args`` reach them, and set the attributes. Their
    errors name the Dag and the task.
    """

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None
    log: Any

    _hook: SageMakerPipelineHook | None = None

    @property
    def subject(self) -> str:
        """How errors name this task."""
        task: Any = self  # an operator or sensor, too
        return f"Dag '{task.dag.dag_id}', task '{task.task_id}'" if task.has_dag() else f"Task '{task.task_id}'"

    def error(self, message: str) -> TranslationError:
        """Return an error that names the Dag and this task.

        :param message: the rule broken and the fix.
        """
        return TranslationError(f"{self.subject}: {message}")

    @property
    def connection_arguments(self) -> dict[str, Any]:
        """The arguments by the names that operators and triggers have for them."""
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": self.botocore_config,
        }

    def new_hook(self) -> SageMakerPipelineHook:
        """Return a hook that shares nothing with :attr:`hook`; its connection is not read yet."""
        from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

        return SageMakerPipelineHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.botocore_config,
        )

    @property
    def hook(self) -> SageMakerPipelineHook:
        """The task's hook, made when first asked for."""
        if self._hook is None:
            self._hook = self.new_hook()
        return self._hook

    def ask(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function with the hook. Expired credentials are read anew, once.

        :param function: what to call.
        :raises SageMakerServiceError: in the service's words.
        """
        from airflow_sm_pipelines.hooks.service_errors import BAD_CREDENTIALS

        try:
            return function(self.hook)
        except SageMakerServiceError as error:
            if error.code not in BAD_CREDENTIALS:
                raise
            self.log.info("Reading connection %r again: %s", self.aws_conn_id, error)
        self._hook = None
        return function(self.hook)

    def persist(self, function: Callable[[SageMakerPipelineHook], Result]) -> Result:
        """Call a function with the hook, again and again while the service is in trouble, for a while.

        :param function: what to call; calling it again must do no harm.
        :raises SageMakerServiceError: when trying again cannot help, or did not; in the service's words.
        """
        from airflow_sm_pipelines.hooks.patience import persist

        return persist(lambda: self.ask(function), self.log)
