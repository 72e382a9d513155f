"""The model of a job that serves it: what CreateModel was told, and its files below ``/opt/ml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.aws import Clients
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.images import HUGGING_FACE, TENSORFLOW, XGBOOST, Image
from airflow_sm_pipelines.local.jobs.files import local_path
from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import S3Staging
from airflow_sm_pipelines.local.names import resource_arn

_MODEL: Final = "/opt/ml/model"
_CODE: Final = f"{_MODEL}/code"
_SUBMITTED: Final = "/opt/ml/code"
_PROGRAM: Final = "SAGEMAKER_PROGRAM"
_DEFAULT_PROGRAM: Final = "inference.py"
"""What AWS's inference toolkit looks for where nothing is said."""

_PICKED_OUTPUT: Final = "SAGEMAKER_INFERENCE_OUTPUT"


@dataclass(frozen=True)
class Model:
    """A model that has one container.

    :param name: its name.
    :param role_arn: its role.
    :param containers: the containers; of a model package, the package's.
    """

    name: str
    role_arn: str
    containers: tuple[Mapping[str, Any], ...]

    @classmethod
    def find(cls, name: str, clients: Clients) -> Model:
        """The model of a name.

        :param name: the name.
        :param clients: where the models are kept.
        :raises ValidationError: there is none, in the service's words (deep-learning-containers issue 586).
        """
        client = clients["sagemaker"]
        try:
            found = client.describe_model(ModelName=name)
        except ClientError as error:
            arn = resource_arn(client.meta.region_name, "model", name)
            raise ValidationError(f'Could not find model "{arn}".') from error
        described = [each for each in (found.get("PrimaryContainer"), *found.get("Containers", ())) if each]
        containers = [inner for each in described for inner in _containers_of(each, client)]
        return cls(name, found.get("ExecutionRoleArn", ""), tuple(containers))

    @property
    def container(self) -> Mapping[str, Any]:
        """Its first container; that it is the only one was looked for."""
        return self.containers[0]

    @property
    def image(self) -> Image:
        """Its image."""
        return Image.parse(self.container.get("Image", ""))

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of its container."""
        environment: Mapping[str, str] = self.container.get("Environment", {})
        return environment

    def limits(self, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield what is not done here.

        :param environment: the container's variables, and those of the job over them.
        """
        wrong = f"the local endpoint cannot run the model '{self.name}':"
        if len(self.containers) != 1:
            yield f"{wrong} it has {len(self.containers)} containers. Use a model of one container"
            return
        container, image = self.container, self.image
        if container.get("Mode", "SingleModel") != "SingleModel":
            yield f"{wrong} its container has Mode MultiModel. Use Mode SingleModel"
        if container.get("AdditionalModelDataSources"):
            yield f"{wrong} it has AdditionalModelDataSources. Put all files into one ModelDataUrl"
        if image.algorithm is not None:
            yield f"{wrong} the algorithm {image.algorithm} is inside the image {image.uri}"
        elif image.framework in (HUGGING_FACE, TENSORFLOW):
            yield f"{wrong} it does not have the server inside the image {image.uri}"
        elif image.framework == XGBOOST and not environment.get(_PROGRAM) and _PICKED_OUTPUT in environment:
            yield f"{wrong} {_PICKED_OUTPUT} picks other contents than the predictions. Leave it out"

    def put(self, directory: JobDirectory, staging: S3Staging, environment: Mapping[str, str]) -> str | None:
        """Put the model's files and the script below a job's directory.

        :param directory: the job's.
        :param staging: to download with.
        :param environment: the container's variables, and those of the job over them.
        :return: the directory of the script as the job sees it; ``None`` for a model that needs none.
        :raises JobFailedError: there is no script, or not where the variables say.
        :raises StagingError: something is missing, or is not an archive.
        """
        self._put_model(directory, staging)
        submitted = environment.get("SAGEMAKER_SUBMIT_DIRECTORY") or _CODE
        program = environment.get(_PROGRAM) or None
        if program is None and self.image.framework == XGBOOST:
            return None
        if submitted.startswith("s3://"):
            staging.extract(submitted, local_path(directory, _SUBMITTED, "the script"), directory.root / "tmp")
            submitted = _SUBMITTED
        place = submitted.removeprefix("file://")
        script = local_path(
            directory, f"{place}/{_file_name(program or _DEFAULT_PROGRAM)}", "SAGEMAKER_SUBMIT_DIRECTORY"
        )
        if script.is_file():
            return place
        if program is None:
            raise JobFailedError(
                f"ClientError: the local endpoint cannot run the server inside the image {self.image.uri}. It runs a "
                f"script: set {_PROGRAM} in the model's Environment, and put the file into the directory code of the "
                "model's archive"
            )
        raise JobFailedError(
            f"ClientError: the script '{program}' ({_PROGRAM}) is not in {place} (SAGEMAKER_SUBMIT_DIRECTORY)"
        )

    def _put_model(self, directory: JobDirectory, staging: S3Staging) -> None:
        target = local_path(directory, _MODEL, "the model")
        target.mkdir()
        source = self.container.get("ModelDataSource", {}).get("S3DataSource")
        if source is not None and source["CompressionType"] == "None":
            staging.download(source["S3Uri"], target, self.role_arn)
            return
        uri = source["S3Uri"] if source is not None else self.container.get("ModelDataUrl")
        if uri is not None:
            staging.extract(uri, target, directory.root / "tmp")


def _containers_of(container: Mapping[str, Any], client: Any) -> list[Mapping[str, Any]]:
    """The container itself, or those of the model package that it names."""
    package = container.get("ModelPackageName")
    if package is None:
        return [container]
    try:
        found = client.describe_model_package(ModelPackageName=package)
    except ClientError as error:
        raise ValidationError(error.response["Error"].get("Message", str(error))) from error
    environment = container.get("Environment", {})
    return [
        {**each, "Environment": {**each.get("Environment", {}), **environment}}
        for each in found.get("InferenceSpecification", {}).get("Containers", ())
    ]


def _file_name(program: str) -> str:
    """The toolkit takes a file or a module."""
    return program if program.endswith(".py") else f"{program}.py"
