"""What an image is, by its URI: a framework's, a built-in algorithm's, or anybody's.

No image is run here: an interpreter stands for it. So all that is known of one is what its URI says. The names of AWS's
repositories are those of the SageMaker SDK's ``image_uri_config``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HUGGING_FACE: Final = "huggingface"
PYTORCH: Final = "pytorch"
SCIKIT_LEARN: Final = "scikit-learn"
TENSORFLOW: Final = "tensorflow"
XGBOOST: Final = "xgboost"

_FRAMEWORKS: Final = {
    HUGGING_FACE: (
        "huggingface-pytorch-inference",
        "huggingface-pytorch-inference-neuron",
        "huggingface-pytorch-inference-neuronx",
        "huggingface-pytorch-training",
        "huggingface-pytorch-training-neuronx",
        "huggingface-pytorch-trcomp-training",
        "huggingface-tensorflow-inference",
        "huggingface-tensorflow-training",
        "huggingface-tensorflow-trcomp-training",
    ),
    PYTORCH: (
        "pytorch-inference",
        "pytorch-inference-eia",
        "pytorch-inference-graviton",
        "pytorch-training",
        "pytorch-training-neuron",
        "pytorch-training-neuronx",
        "pytorch-trcomp-training",
        "sagemaker-pytorch",
        "smdistributed-modelparallel",
    ),
    SCIKIT_LEARN: ("sagemaker-scikit-learn",),
    TENSORFLOW: (
        "sagemaker-tensorflow",
        "sagemaker-tensorflow-eia",
        "sagemaker-tensorflow-scriptmode",
        "sagemaker-tensorflow-serving",
        "sagemaker-tensorflow-serving-eia",
        "tensorflow-inference",
        "tensorflow-inference-eia",
        "tensorflow-inference-graviton",
        "tensorflow-training",
    ),
    XGBOOST: ("sagemaker-xgboost",),
}
_FRAMEWORK_OF: Final = {repository: framework for framework, names in _FRAMEWORKS.items() for repository in names}

_ALGORITHMS: Final = frozenset(
    {
        "blazingtext",
        "factorization-machines",
        "forecasting-deepar",
        "image-classification",
        "image-classification-neo",
        "ipinsights",
        "kmeans",
        "knn",
        "lda",
        "linear-learner",
        "ntm",
        "object-detection",
        "object2vec",
        "pca",
        "randomcutforest",
        "semantic-segmentation",
        "seq2seq",
        "xgboost-neo",
    }
)
"""Built-in algorithms: the program is in the image and nowhere else."""

_FIRST_XGBOOST: Final = "xgboost"
"""The repository of XGBoost 0.72, which has the tags ``1`` and ``latest``. Only in AWS's accounts is it that one."""

# fmt: off
_FIRST_XGBOOST_ACCOUNTS: Final = frozenset(
    {
        "104374241257", "106583098589", "226302683700", "237065988967", "249704162688", "257386234256", "272398656194",
        "286214385809", "306986355934", "387376663083", "390948362332", "433757028032", "455444449433", "469771592824",
        "475088953585", "490574956308", "501404015308", "544295431143", "628508329040", "632365934929", "644912444149",
        "669576153137", "680994064768", "685385470294", "749696950732", "765400339828", "811284229777", "813361260812",
        "825641698319", "855470959533", "867004704886", "951798379941", "991648021394",
    }
)
# fmt: on

_REGISTRY: Final = re.compile(r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+")
_VERSION: Final = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True)
class Image:
    """An image as its URI describes it.

    :param uri: as it was given.
    :param repository: the last part of the repository's name, such as ``sagemaker-xgboost``. What is before it in a
        registry that mirrors AWS's does not count.
    :param tag: such as ``1.7-1``; empty without one.
    :param framework: the framework that the image is AWS's container of: one of this module's names, or ``None``.
    :param algorithm: the built-in algorithm that is inside, and is not run here; or ``None``.
    """

    uri: str
    repository: str
    tag: str
    framework: str | None = None
    algorithm: str | None = None

    @classmethod
    def parse(cls, uri: str) -> Image:
        """Return what an image is.

        :param uri: any text; what is not recognized is somebody's image, with neither framework nor algorithm.
        """
        name, _, _digest = uri.partition("@")
        registry, _, path = name.rpartition("/")
        repository, _, tag = path.partition(":")
        ecr = _REGISTRY.fullmatch(registry)
        if ecr and repository == _FIRST_XGBOOST and ecr["account"] in _FIRST_XGBOOST_ACCOUNTS:
            return cls(uri, repository, tag, framework=XGBOOST)
        if ecr and repository in _ALGORITHMS:
            return cls(uri, repository, tag, algorithm=repository)
        return cls(uri, repository, tag, framework=_FRAMEWORK_OF.get(repository))

    @property
    def version(self) -> tuple[int, ...]:
        """The framework's version as the tag says it: ``(1, 7)`` of ``1.7-1``. Empty where it says none."""
        if self.repository == _FIRST_XGBOOST:
            return (0, 72)
        found = _VERSION.match(self.tag)
        return tuple(int(part) for part in found[0].split(".")) if found else ()
