"""A SageMaker whose executions never end, over real HTTP. It counts the calls of each operation.

``python -m benchmarks.triggers.stub <executions> [<operation to refuse> ...]`` serves on a free port of the loopback
interface and prints its URL.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from aiohttp import web

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
EXECUTIONS_OF_A_PIPELINE = 100
PAGE = 100
STEPS = tuple(f"step-{number}" for number in range(10))

_SUCCEEDED = 3
"""The first steps are over, the next one runs, the others have not started: those are not listed."""
_JSON = "application/x-amz-json-1.1"


def execution_arn(number: int) -> str:
    """Return the ARN of an execution; a hundred of them belong to one pipeline.

    :param number: which, from 0.
    """
    return f"{ACCOUNT}:pipeline/waiting-{number // EXECUTIONS_OF_A_PIPELINE}/execution/e{number:011}"


class Stub:
    """Answers the operations that look at executions and their jobs, as the service does in the middle of one.

    :param executions: how many there are.
    :param refused: operations that nobody may call.
    """

    def __init__(self, executions: int, refused: Collection[str] = ()) -> None:
        self.calls: Counter[str] = Counter()
        self._refused = refused
        self._began = time.time()
        self._executions = [execution_arn(number) for number in range(executions)]

    def application(self) -> web.Application:
        """Return the web application: the service at ``/``, and ``/calls`` for whoever measures."""
        application = web.Application()
        application.add_routes([web.post("/", self._service), web.get("/calls", self._tell)])
        return application

    async def _tell(self, _request: web.Request) -> web.Response:
        return web.json_response(self.calls)

    async def _service(self, request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        self.calls[operation] += 1
        body = await request.json()
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "DescribePipelineExecution": self._describe,
            "ListPipelineExecutionSteps": self._steps,
            "ListPipelineExecutions": self._list,
            "ListProcessingJobs": self._processing_jobs,
            "ListTrainingJobs": self._training_jobs,
        }
        if operation in self._refused:
            return _error(
                "AccessDeniedException", f"User: benchmark is not authorized to perform: sagemaker:{operation}"
            )
        if operation not in answers:
            return _error("ValidationException", f"the stub does not know {operation}")
        return web.Response(text=json.dumps(answers[operation](body)), content_type=_JSON)

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        arn = body["PipelineExecutionArn"]
        return {
            "PipelineArn": arn.partition("/execution/")[0],
            "PipelineExecutionArn": arn,
            "PipelineExecutionDisplayName": "scheduled-2026-11-21T00-00-00",
            "PipelineExecutionStatus": "Executing",
            "PipelineExperimentConfig": {"ExperimentName": "waiting", "TrialName": arn.rpartition("/")[2]},
            "CreationTime": self._began,
            "LastModifiedTime": self._began,
            "CreatedBy": {},
            "LastModifiedBy": {},
        }

    def _steps(self, body: dict[str, Any]) -> dict[str, Any]:
        execution = body["PipelineExecutionArn"].rpartition("/")[2]
        return {"PipelineExecutionSteps": [self._step(execution, at) for at in range(_SUCCEEDED + 1)]}

    def _step(self, execution: str, at: int) -> dict[str, Any]:
        step = {
            "StepName": STEPS[at],
            "StartTime": self._began + at,
            "StepStatus": "Executing",
            "AttemptCount": 1,
            "Metadata": {"ProcessingJob": {"Arn": f"{ACCOUNT}:processing-job/{_job_name(execution, at)}"}},
        }
        return {**step, "StepStatus": "Succeeded", "EndTime": self._began + at + 1} if at < _SUCCEEDED else step

    def _list(self, body: dict[str, Any]) -> dict[str, Any]:
        arns = [arn for arn in self._executions if arn.split("/")[1] == body["PipelineName"]]
        page, more = _page(arns, body)
        summaries = [
            {
                "PipelineExecutionArn": arn,
                "StartTime": self._began,
                "PipelineExecutionStatus": "Executing",
                "PipelineExecutionDisplayName": "scheduled-2026-11-21T00-00-00",
            }
            for arn in page
        ]
        return {"PipelineExecutionSummaries": summaries, **more}

    def _training_jobs(self, _body: dict[str, Any]) -> dict[str, Any]:
        return {"TrainingJobSummaries": []}

    def _processing_jobs(self, body: dict[str, Any]) -> dict[str, Any]:
        page, more = _page(self._executions, body)
        names = [_job_name(arn.rpartition("/")[2], _SUCCEEDED) for arn in page]
        summaries = [
            {
                "ProcessingJobName": name,
                "ProcessingJobArn": f"{ACCOUNT}:processing-job/{name}",
                "CreationTime": self._began,
                "LastModifiedTime": self._began,
                "ProcessingJobStatus": "InProgress",
            }
            for name in names
        ]
        return {"ProcessingJobSummaries": summaries, **more}


def _job_name(execution: str, at: int) -> str:
    return f"pipelines-{execution}-{STEPS[at]}-0123456789"


def _page(entries: list[str], body: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    start = int(body.get("NextToken", 0))
    end = start + min(int(body.get("MaxResults", PAGE)), PAGE)
    return entries[start:end], {"NextToken": str(end)} if end < len(entries) else {}


def _error(code: str, message: str) -> web.Response:
    return web.Response(status=400, text=json.dumps({"__type": code, "message": message}), content_type=_JSON)


async def _serve(executions: int, refused: Collection[str]) -> None:
    runner = web.AppRunner(Stub(executions, refused).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    # Whoever started it holds the other end of its standard input: it ends when that does.
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2:]))
