"""Cleanup steps: what earlier steps have stored in S3 is deleted.

Which objects those are is known from the SageMaker SDK (``sagemaker.mlops.workflow.cleanup_step``) and botocore's
service model. A step whose output properties are unavailable is skipped (API reference, CleanupStepMetadata), one that
has not run among them: only a dependency makes this step wait, and the SDK writes one for each source. S3 answers the
same whether an object was there or not, so either counts as deleted. What happens to the step when something cannot be
deleted is documented nowhere; here it fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.jobs.staging import StagingError, split_uri
from airflow_sm_pipelines.local.jobs.training import output_uri
from airflow_sm_pipelines.local.runners.instant_steps import InstantStepRunner
from airflow_sm_pipelines.local.runners.step import StepEnd


class CleanupStepRunner(InstantStepRunner):
    """Deletes the objects that are named, each below an output of its step, or all that a training job has stored."""

    def run(self) -> StepEnd:
        """Delete, step by step."""
        cleaned: list[str] = []
        failed: list[dict[str, str]] = []
        skipped: list[str] = []
        for source in self.arguments()["Resources"]["S3"]:
            name = source["StepName"]
            with self.execution.lock:
                record = self.execution.steps.get(name)
                properties = {} if record is None else record.properties
            if not properties:
                skipped.append(name)
                continue
            try:
                self._clean(properties, source.get("S3Uris"))
            except (ClientError, StagingError) as error:
                message = str(error).removeprefix("ClientError: ")
                failed.append({"StepName": name, "ErrorCode": "ClientError", "ErrorMessage": message})
            else:
                cleaned.append(name)
        self.report({"Cleanup": {"CleanedSteps": cleaned, "FailedSteps": failed, "SkippedSteps": skipped}})
        if failed:
            why = "; ".join(f"{each['StepName']}: {each['ErrorMessage']}" for each in failed)
            return StepEnd(StepStatus.FAILED, f"ClientError: outputs could not be deleted: {why}")
        return StepEnd(StepStatus.SUCCEEDED)

    def _clean(self, properties: Mapping[str, Any], uris: list[str] | None) -> None:
        network = properties.get("NetworkConfig", properties)
        if network.get("VpcConfig"):
            raise StagingError("the step has a VpcConfig, so its outputs cannot be deleted")
        places = [place.rstrip("/") + "/" for place in _places(properties)]
        if uris is None:
            if "TrainingJobName" not in properties:
                raise StagingError("S3Uris must list the objects of the step to delete")
            for place in places:
                self._delete_below(place)
            return
        for uri in uris:
            if not any(uri.startswith(place) for place in places):
                raise StagingError(f"{uri} is not below an output of the step")
        for uri in uris:
            bucket, key = split_uri(uri)
            self.services.clients["s3"].delete_object(Bucket=bucket, Key=key)

    def _delete_below(self, place: str) -> None:
        bucket, prefix = split_uri(place)
        client = self.services.clients["s3"]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                client.delete_object(Bucket=bucket, Key=found["Key"])


def _places(properties: Mapping[str, Any]) -> Iterator[str]:
    """Where a job has stored what it made."""
    for output in properties.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if "S3Output" in output:
            yield output["S3Output"]["S3Uri"]
    if "TrainingJobName" in properties:
        yield output_uri(properties, properties["TrainingJobName"])
    if "TransformOutput" in properties:
        yield properties["TransformOutput"]["S3OutputPath"]
