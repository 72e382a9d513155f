"""Jobs of several instances: a process each, which see one another's names and their own files."""

from __future__ import annotations

import json
import socket
import uuid

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, job_name, run_one, wait
from tests.integration.documents import BUCKET, document, processing_step, training_step
from tests.integration.test_jobs import read_archive

TRAIN = """
import json, os, pathlib, socket, time
host = os.environ["SM_CURRENT_HOST"]
port = int(json.loads(os.environ["SM_HPS"])["port"])
server = socket.create_server((host, port))  # the same port on each host
seen = {
    "hosts": json.loads(os.environ["SM_HOSTS"]),
    "train": sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"])),
    "all": sorted(os.listdir(os.environ["SM_CHANNEL_ALL"])),
}
if host == "algo-1":
    other, _ = server.accept()
    print(host, "heard", other.recv(100).decode(), flush=True)
else:
    while True:
        try:
            socket.create_connection(("algo-1", port)).sendall(host.encode())
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
pathlib.Path(os.environ["SM_MODEL_DIR"], host).write_text(json.dumps(seen))
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text(host)
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], host).write_text("data")
"""


def test_a_training_job_of_two_instances(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Each has its host name, its share of a channel and its log; they talk; one archive holds what both have made."""
    prefix = f"cluster/{uuid.uuid4().hex}"
    for key in "abc":
        aws.put(f"{prefix}/data/{key}", key)
    data = f"s3://{BUCKET}/{prefix}/data/"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = aws.put_source_archive({"train.py": TRAIN})
    step_definition = training_step(
        "train", source, inputs={"train": data, "all": data}, hyperparameters={"port": str(port)}
    )
    step_definition["Arguments"]["ResourceConfig"]["InstanceCount"] = 2
    sharded = step_definition["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    sharded["S3DataDistributionType"] = "ShardedByS3Key"
    step = run_one(endpoint, aws, step_definition)
    assert step["StepStatus"] == "Succeeded", step
    name = job_name(step)
    output = f"s3://{BUCKET}/models/{name}/output"
    model = read_archive(aws, f"{output}/model.tar.gz")
    assert {key: json.loads(value) for key, value in model.items() if key != "weights"} == {
        "algo-1": {"hosts": ["algo-1", "algo-2"], "train": ["a", "c"], "all": ["a", "b", "c"]},
        "algo-2": {"hosts": ["algo-1", "algo-2"], "train": ["b"], "all": ["a", "b", "c"]},
    }
    assert model["weights"] == b"algo-1"
    assert read_archive(aws, f"{output}/output.tar.gz") == {"algo-1": b"data", "algo-2": b"data"}
    streams = aws.logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/")[
        "logStreams"
    ]
    assert [stream["logStreamName"].rpartition("-")[0] for stream in streams] == [f"{name}/algo-1", f"{name}/algo-2"]
    assert "algo-1 heard algo-2" in aws.log_lines("/aws/sagemaker/TrainingJobs", name)


PROCESS = """
import json, os, signal, sys
host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
if host == "algo-2":
    sys.exit("ValueError: not on this one")
signal.pause()
"""


def test_one_instance_that_fails_ends_the_job(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The others would run for ever. The reason is that of the one that failed; nothing is stored."""
    step_definition = processing_step("p", aws.put_script(PROCESS))
    step_definition["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 3
    step = run_one(endpoint, aws, step_definition)
    assert (step["StepStatus"], step["FailureReason"]) == (
        "Failed",
        "AlgorithmError: See job logs for more information. Last error line: ValueError: not on this one, exit code: 1",
    )


SPLIT = """
import json, os, pathlib
host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
files = sorted(os.listdir("/opt/ml/processing/input/raw"))
output = pathlib.Path("/opt/ml/processing/output/out")
(output / host).write_text(" ".join(files))
(output / "same").write_text(host)
"""


def test_a_processing_job_of_three_instances(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The objects are split among them; all store below the one prefix, and of one name that of the first."""
    prefix = f"cluster/{uuid.uuid4().hex}"
    for key in "abcd":
        aws.put(f"{prefix}/raw/{key}", key)
    step_definition = processing_step(
        "p",
        aws.put_script(SPLIT),
        inputs={"raw": f"s3://{BUCKET}/{prefix}/raw"},
        outputs={"out": f"s3://{BUCKET}/{prefix}/out"},
    )
    step_definition["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 3
    raw = step_definition["Arguments"]["ProcessingInputs"][1]["S3Input"]
    raw["S3DataDistributionType"] = "ShardedByS3Key"
    arn = aws.start(document(step_definition))
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded", aws.steps(arn)
    listed = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/out/")["Contents"]
    stored = {each["Key"].rpartition("/")[2]: aws.get(f"s3://{BUCKET}/{each['Key']}") for each in listed}
    assert stored == {"algo-1": "a d", "algo-2": "b", "algo-3": "c", "same": "algo-1"}
