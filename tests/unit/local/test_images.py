"""What an image is, by its URI."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.local.images import Image

AWS = "763104351884.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("uri", "framework", "version"),
    [
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "xgboost", (1, 7)),
        ("246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.0-1-cpu-py3", "xgboost", (1, 0)),
        ("811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:latest", "xgboost", (0, 72)),
        (
            "141502667606.dkr.ecr-fips.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            "scikit-learn",
            (1, 2),
        ),
        (f"{AWS}/pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker", "pytorch", (2, 1, 0)),
        (f"{AWS}/pytorch-inference:2.1", "pytorch", (2, 1)),
        ("520713654638.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-pytorch:1.0.0-cpu-py3", "pytorch", (1, 0, 0)),
        (f"{AWS}/tensorflow-training:2.19.0-cpu-py312-ubuntu22.04-sagemaker", "tensorflow", (2, 19, 0)),
        (f"{AWS}/tensorflow-inference:2.19.0-cpu", "tensorflow", (2, 19, 0)),
        (
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu",
            "huggingface",
            (2, 1, 0),
        ),
        ("public.ecr.aws/deep-learning-containers/pytorch-training:2.5", "pytorch", (2, 5)),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror/sagemaker-xgboost:1.7-1", "xgboost", (1, 7)),
        ("localhost:5000/sagemaker-xgboost@sha256:0123", "xgboost", ()),
        ("sagemaker-scikit-learn", "scikit-learn", ()),
    ],
)
def test_a_framework(uri: str, framework: str, version: tuple[int, ...]):
    """It is the repository's last name that says it, in AWS's registries and in those that mirror them."""
    image = Image.parse(uri)
    assert (image.uri, image.framework, image.algorithm, image.version) == (uri, framework, None, version)


@pytest.mark.parametrize("algorithm", ["linear-learner", "kmeans", "blazingtext", "randomcutforest", "pca"])
def test_a_built_in_algorithm(algorithm: str):
    """A registry of ECR, and the algorithm's name as the repository."""
    uri = f"174872318107.dkr.ecr.us-west-2.amazonaws.com/{algorithm}:1"
    assert Image.parse(uri) == Image(uri, algorithm, "1", None, algorithm)


@pytest.mark.parametrize(
    ("uri", "repository", "tag"),
    [
        ("image", "image", ""),
        ("", "", ""),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/xgboost:1", "xgboost", "1"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/kmeans:1", "kmeans", "1"),
        ("registry.example/pca", "pca", ""),
        (f"{AWS}/my-pytorch-training:2.1", "my-pytorch-training", "2.1"),
        (f"{AWS}/sagemaker-spark-processing:3.5-cpu-py312-v1.0", "sagemaker-spark-processing", "3.5-cpu-py312-v1.0"),
    ],
)
def test_an_image_of_somebody(uri: str, repository: str, tag: str):
    """Whatever else it is, and what is only named like an algorithm or like AWS's first XGBoost."""
    assert Image.parse(uri) == Image(uri, repository, tag)
