"""The generic step: any step type, its arguments as boto3 takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from airflow_sm_pipelines.definition.caching import CACHE_CONFIG, enabled_cache
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator, merge_arguments
from airflow_sm_pipelines.operators.steps.keywords import (
    optional,
    refuse_without_effect,
    require_dict,
    require_list,
)
from airflow_sm_pipelines.translation.argument_types import types_in, types_of
from airflow_sm_pipelines.translation.code import LocalCode, read_local_code
from airflow_sm_pipelines.translation.nodes import CodeUpload, StepNode

_INSTEAD: Final = {
    "Name": "Set step_name.",
    "Type": "Set step_type.",
    "Arguments": "Set arguments.",
    "DependsOn": "Draw the edges between the tasks: a >> b.",
    "DisplayName": "Set display_name.",
    "Description": "Set description.",
}
"""Keys that every step has, and the keyword for each."""

_ROLES: Final = ("RoleArn", "ExecutionRoleArn")
"""What requests call the role that the step's job, model or the like runs with."""


class SageMakerStepOperator(BaseSageMakerStepOperator):
    """
    A step of any type, also of types this version has no operator for. Not a Condition step, whose branches are tasks.

    :param step_type: the step's ``Type``: ``Transform``, ``Lambda``, ...
    :param arguments: the step's ``Arguments``: the boto3 request of its create operation. Jinja and XComArgs
        anywhere in it become pipeline parameters, of the type that the API wants at that place. An operator's other
        keywords override it.
    :param cache: how long a result may be reused: a timedelta, an ISO 8601 duration such as ``"P30D"``, or
        ``True`` for ever.
    :param retry_policies: as the document has them: ``[{"ExceptionType": [...], "MaxAttempts": ...}]``.
    :param role_arn: the role of this step's job; by default the group's, except for steps of this class itself. Not for
        steps that have none, such as Lambda and RegisterModel.
    :param step_options: further keys of the step in the document, such as ``OutputParameters`` or ``FunctionArn``.
    :raises TranslationError: for a Condition step, for a key of ``step_options`` that a keyword has, and for a keyword
        that would have no effect.
    """

    def __init__(
        self,
        *,
        step_type: str,
        arguments: Mapping[str, Any] | None = None,
        cache: timedelta | str | bool | None = None,
        retry_policies: Sequence[Mapping[str, Any]] | None = None,
        role_arn: str | None = None,
        step_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # Read by cache_config, which Airflow asks for as soon as the base class is initialised.
        self.step_type = step_type
        self.cache: timedelta | str | bool | None = None
        self.step_options: Mapping[str, Any] = {}
        super().__init__(**kwargs)
        self.arguments = require_dict(self, "arguments", arguments)
        self.cache = cache
        self.retry_policies = optional(require_list, self, "retry_policies", retry_policies)
        self.role_arn = role_arn
        self.step_options = require_dict(self, "step_options", step_options)
        if step_type == "Condition":
            raise self.error("the branches of a Condition step are tasks. Use SageMakerConditionStepOperator.")
        for key in self.step_options:
            if key in _INSTEAD:
                raise self.error(f"step_options has '{key}', which every step has. {_INSTEAD[key]}")
        if not self.has_role:
            refuse_without_effect(
                self,
                "role_arn",
                role_arn,
                f"the request of a step of type {step_type} has no role. Leave it out; if this step needs one, give it "
                "in arguments.",
            )

    @property
    def has_role(self) -> bool:
        """Whether ``role_arn`` has a place in the request."""
        return self._role_member is not None

    @property
    def _role_member(self) -> str | None:
        known = types_in(types_of(self.step_type), "Arguments")
        return next((name for name in _ROLES if isinstance(known, Mapping) and name in known), None)

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the request that the keywords make, which overrides ``arguments``: for a generic step the role."""
        return {} if self._role_member is None else {self._role_member: self.role_arn}

    def default_arguments(self) -> dict[str, Any]:
        """Return the defaults of the request, which ``arguments`` and keywords override. Nothing for a generic step."""
        return {}

    @property
    def cache_config(self) -> Mapping[str, Any] | None:
        """The step's ``CacheConfig``, where caching is on: as ``cache`` says it or else ``step_options``."""
        return enabled_cache(self.step_type, {**self.step_options, **self._cache_options})

    @property
    def _cache_options(self) -> dict[str, Any]:
        return {} if self.cache is None else {CACHE_CONFIG: _cache_config(self.cache)}

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys in the document."""
        extra = {**self.step_options, **self._cache_options}
        if self.retry_policies is not None:
            extra["RetryPolicies"] = [dict(policy) for policy in self.retry_policies]
        return extra

    def uploads(self) -> tuple[CodeUpload, ...]:
        """Return the files the step needs in S3. None for a generic step."""
        return ()

    def to_step_node(self) -> StepNode:
        """Describe the step."""
        given = merge_arguments(self.default_arguments(), self.arguments)
        arguments = merge_arguments(given, self.keyword_arguments())
        return self.step_node(arguments=arguments, extra=self.extra(), uploads=self.uploads())

    @property
    def code_uri(self) -> str:
        """The prefix in S3 under which local code is kept."""
        return f"{self.settings.artifact_uri}/code"

    def read_code(self, code: str, entry_point: str | None) -> LocalCode:
        """Read this step's local code, once: describing the step asks for it several times.

        :param code: a file or directory; a relative path starts beside the Dag file.
        :param entry_point: the script to run, where it is a directory.
        :raises TranslationError: when it is not there.
        """
        asked = (code, entry_point)
        if asked not in self.code_read:
            try:
                self.code_read[asked] = self.new_code(code, entry_point)
            except TranslationError as error:
                raise self.error(str(error)) from None
        return self.code_read[asked]

    def new_code(self, code: str, entry_point: str | None) -> LocalCode:
        """Return local code that has not been read yet; for :meth:`read_code`, which names the task in errors.

        :param code: as there.
        :param entry_point: as there.
        :raises TranslationError: as there.
        """
        return read_local_code(code, entry_point, str(self.dag.folder))


def _cache_config(cache: timedelta | str | bool) -> dict[str, Any]:
    if isinstance(cache, bool):
        return {"Enabled": cache}
    if isinstance(cache, timedelta):
        return {"Enabled": True, "ExpireAfter": f"PT{int(cache.total_seconds())}S"}
    return {"Enabled": True, "ExpireAfter": cache}
