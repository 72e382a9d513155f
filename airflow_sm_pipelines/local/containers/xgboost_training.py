"""Train XGBoost in algorithm mode, as AWS's container does that has the algorithm inside.

A program by itself: the interpreter that runs it has ``xgboost`` and nothing of this package, and may be Python 3.8.
The rules and their wording are those of ``aws/sagemaker-xgboost-container``. Not done here: cross-validation, more than
one host, GPUs, checkpoints, Parquet and RecordIO.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import logging
import math
import os
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL_NAME = "xgboost-model"

MAXIMIZED_METRICS = (
    "accuracy",
    "auc",
    "aucpr",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
    "precision",
    "r2",
    "recall",
    "precision_macro",
    "precision_micro",
    "recall_macro",
    "recall_micro",
)
MINIMIZED_METRICS = (
    "aft-nloglik",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "mse",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
)
METRICS = MAXIMIZED_METRICS + MINIMIZED_METRICS

CSV = ("csv", "text/csv")
LIBSVM = ("libsvm", "text/libsvm", "text/x-libsvm")
OTHER_CONTENT_TYPES = (
    "parquet",
    "application/x-parquet",
    "recordio-protobuf",
    "application/x-recordio-protobuf",
)
"""What the container also reads, and this program does not."""

_DEFAULT_CONTENT_TYPE = "text/libsvm"
_DEEPEST_FOLDER = 3
_OLDEST_XGBOOST = (1, 6)
_SAVES_MODELS = (1, 3)
"""The first version of the container that saves the model with XGBoost. Those before it pickle it."""

_ERRORS_OF_USERS = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "Check failed: preds.size() == info.labels_.size()",
    "Check failed: !auc_error AUC: the dataset only contains pos or neg samples",
    "Check failed: base_score > 0.0f && base_score < 1.0f base_score must be in (0,1) for logistic loss",
    "Check failed: label_correct PoissonRegression: label must be nonnegative",
    "Check failed: label_correct TweedieRegression: label must be nonnegative",
    "Parameter reg_lambda should be greater equal to 0",
    # What XGBoost 3 says of the same errors.
    "label must be in (0, 1) for logistic regression",
    "label must be discrete values in the range of [0, num_class)",
    "label must be non-negative for Poisson/Tweedie regression",
    "base_score must be in (0,1) for the logistic loss",
)

logger = logging.getLogger("xgboost_training")


class UserError(Exception):
    """What whoever asked for the training can change."""


class AlgorithmError(Exception):
    """XGBoost failed."""


_TOOLKIT = "sagemaker_algorithm_toolkit.exceptions"
"""Where the container's errors are from: a FailureReason shows it."""


@dataclass(frozen=True)
class Interval:
    """Numbers between two ends, which belong to it unless they are open."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def __str__(self) -> str:
        low = "(-inf" if self.low == -math.inf else f"{'(' if self.low_open else '['}{self.low}"
        high = "+inf)" if self.high == math.inf else f"{self.high}{')' if self.high_open else ']'}"
        return f"{low}, {high}"


class _Metrics:
    """Names of metrics, and ``error@t``, ``ndcg@n`` and ``map@n`` with a number."""

    def __str__(self) -> str:
        return str(list(METRICS))

    def __contains__(self, metric: object) -> bool:
        text = str(metric)
        if "<function" in text:
            raise UserError(f"User defined evaluation metric {text} is not supported yet.")
        if "@" not in text:
            return text in METRICS
        name, threshold = (part.strip() for part in text.split("@")[:2])
        if name not in ("error", "ndcg", "map"):
            raise UserError(
                f"Metric '{text}' is not supported. Parameter 'eval_metric' with customized threshold should "
                "be one of these options: 'error', 'ndcg', 'map'."
            )
        try:
            float(threshold)
        except ValueError:
            raise UserError(f"Threshold value 't' in '{name}@t' expects float input.") from None
        return True


def _items(value: str) -> list[str]:
    return value.split(",")


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except SyntaxError as error:
        raise ValueError(str(error)) from None


def _each_of(value: Iterable[Any]) -> Iterable[Any]:
    return value


def _each_of_each(value: Iterable[Iterable[Any]]) -> Iterable[Any]:
    return [item for inner in value for item in inner]


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter.

    :param parse: makes its value of the text that it is given as. A ValueError says that it cannot.
    :param range: what its value, or each part of it, has to be in.
    :param parts: the parts of a value that has some.
    :param before: the first version of the container that does not know it any more.
    """

    parse: Callable[[str], Any]
    range: Any
    parts: Callable[[Any], Iterable[Any]] | None = None
    before: tuple[int, ...] = ()

    def value(self, name: str, text: str) -> Any:
        """Return the value, or say why it is none.

        :param name: the hyperparameter's.
        :param text: what was given.
        """
        try:
            return self.parse(text)
        except ValueError:
            raise UserError(f"Hyperparameter {name}: could not parse value (caused by ValueError)") from None

    def check(self, name: str, value: Any) -> None:
        """Hold a value against the range.

        :param name: the hyperparameter's.
        :param value: as parsed.
        """
        if self.parts is None:
            if value not in self.range:
                raise UserError(f"Hyperparameter {name}: {value} is not in {self.range}")
            return
        try:
            outside = any(part not in self.range for part in self.parts(value))
        except TypeError as error:
            raise AlgorithmError(
                f"Hyperparameter {name}: unexpected failure when validating {value} (caused by {type(error).__name__})"
            ) from None
        if outside:
            raise UserError(f"Hyperparameter {name}: value {value} not in range {self.range}")


def _integer(low: float = -math.inf, high: float = math.inf, **more: Any) -> Hyperparameter:
    return Hyperparameter(int, Interval(low, high), **more)


def _number(
    low: float = -math.inf, high: float = math.inf, *, low_open: bool = False, high_open: bool = False
) -> Hyperparameter:
    return Hyperparameter(float, Interval(low, high, low_open, high_open))


def _one_of(*names: str, **more: Any) -> Hyperparameter:
    return Hyperparameter(str, list(names), **more)


_TREE_UPDATERS = (
    "grow_colmaker",
    "distcol",
    "grow_histmaker",
    "grow_skmaker",
    "sync",
    "refresh",
    "prune",
    "grow_quantile_histmaker",
)
_GROWING_UPDATERS = ("grow_colmaker", "distcol", "grow_histmaker", "grow_quantile_histmaker")
_LINEAR_UPDATERS = ("shotgun", "coord_descent")

HYPERPARAMETERS: dict[str, Hyperparameter] = {
    "num_round": _integer(1),
    "csv_weights": _integer(0, 1),
    "early_stopping_rounds": _integer(1),
    "booster": _one_of("gbtree", "gblinear", "dart"),
    "silent": _integer(0, 1, before=(1, 2)),
    "verbosity": _integer(0, 3),
    "nthread": _integer(1),
    "eta": _number(0, 1),
    "gamma": _number(0),
    "max_depth": _integer(0),
    "min_child_weight": _number(0),
    "max_delta_step": _number(0),
    "subsample": _number(0, 1, low_open=True),
    "colsample_bytree": _number(0, 1, low_open=True),
    "colsample_bylevel": _number(0, 1, low_open=True),
    "colsample_bynode": _number(0, 1, low_open=True),
    "lambda": _number(0),
    "alpha": _number(0),
    "tree_method": _one_of("auto", "exact", "approx", "hist", "gpu_hist"),
    "sketch_eps": _number(0, 1, low_open=True, high_open=True),
    "scale_pos_weight": _number(0, low_open=True),
    "updater": Hyperparameter(_items, [*_TREE_UPDATERS, *_LINEAR_UPDATERS], _each_of),
    "dsplit": _one_of("row", "col"),
    "refresh_leaf": _integer(0, 1),
    "process_type": _one_of("default", "update"),
    "grow_policy": _one_of("depthwise", "lossguide"),
    "max_leaves": _integer(0),
    "max_bin": _integer(0),
    "predictor": _one_of("auto", "cpu_predictor", "gpu_predictor"),
    "monotone_constraints": Hyperparameter(_literal, [-1, 0, 1], _each_of),
    "interaction_constraints": Hyperparameter(_literal, Interval(1), _each_of_each),
    "sample_type": _one_of("uniform", "weighted"),
    "normalize_type": _one_of("tree", "forest"),
    "rate_drop": _number(0, 1),
    "one_drop": _integer(0, 1),
    "skip_drop": _number(0, 1),
    "lambda_bias": _number(0, 1),
    "tweedie_variance_power": _number(1, 2, low_open=True, high_open=True),
    "objective": _one_of(
        "aft_loss_distribution",
        "binary:logistic",
        "binary:logitraw",
        "binary:hinge",
        "count:poisson",
        "multi:softmax",
        "multi:softprob",
        "rank:pairwise",
        "rank:ndcg",
        "rank:map",
        "reg:linear",
        "reg:squarederror",
        "reg:logistic",
        "reg:gamma",
        "reg:pseudohubererror",
        "reg:squaredlogerror",
        "reg:absoluteerror",
        "reg:tweedie",
        "survival:aft",
        "survival:cox",
    ),
    "num_class": _integer(2),
    "base_score": _number(0),
    "_kfold": _integer(2),
    "_num_cv_round": _integer(1),
    "_tuning_objective_metric": _one_of(*(f"validation:{metric}" for metric in METRICS)),
    "eval_metric": Hyperparameter(_items, _Metrics(), _each_of),
    "seed": Hyperparameter(int, Interval(-(2**31), 2**31 - 1, low_open=True, high_open=True)),
    "num_parallel_tree": _integer(1),
    "save_model_on_termination": _one_of("true", "false"),
    "aft_loss_distribution": _one_of("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": _number(0),
    "single_precision_histogram": _one_of("true", "false", before=(1, 7)),
    "deterministic_histogram": _one_of("true", "false"),
    "sampling_method": _one_of("uniform", "gradient_based"),
    "prob_buffer_row": Hyperparameter(int, Interval(1.0, low_open=True)),
    "use_dask_gpu_training": _one_of("true", "false"),
}
_NOT_OF_XGBOOST = (
    "num_round",
    "csv_weights",
    "eval_metric",
    "early_stopping_rounds",
    "save_model_on_termination",
    "use_dask_gpu_training",
    "_tuning_objective_metric",
)
_ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}


def validated_hyperparameters(given: dict[str, str], version: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return the hyperparameters' values.

    :param given: their texts, by name.
    :param version: the container's; empty for the newest.
    :raises UserError: one is missing, is not known, or has a value that it cannot have.
    """
    given = {_ALIASES.get(name, name): text for name, text in given.items()}
    if "num_round" not in given:
        raise UserError("Missing required hyperparameter: num_round")
    values: dict[str, Any] = {}
    for name, text in given.items():
        known = HYPERPARAMETERS.get(name)
        if known is None or (known.before and (not version or version >= known.before)):
            raise UserError(f"Extraneous hyperparameter found: {name}")
        values[name] = known.value(name, text)
    for name, value in values.items():
        HYPERPARAMETERS[name].check(name, value)
    _check_dependencies(values)
    return values


def _check_dependencies(values: dict[str, Any]) -> None:
    objective, tree_method = values.get("objective"), values.get("tree_method")
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        raise UserError("Require input for parameter 'num_class' for multi-classification")
    if "eval_metric" in values:
        _check_metrics(values["eval_metric"], objective)
    if "monotone_constraints" in values and tree_method not in ("exact", "hist"):
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."
        )
    if "interaction_constraints" in values and tree_method not in ("exact", "hist", "approx"):
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )
    if "updater" in values:
        _check_updaters(values["updater"], values.get("booster"), values.get("process_type"))


def _check_metrics(metrics: list[str], objective: str | None) -> None:
    if objective is None:
        # The container fails with a KeyError there.
        raise UserError("The hyperparameter eval_metric needs the hyperparameter objective")
    if "auc" in metrics and not objective.startswith(("binary:", "rank:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in metrics and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")


def _check_updaters(updaters: list[str], booster: str | None, process_type: str | None) -> None:
    if booster == "gblinear":
        if len(updaters) != 1 or updaters[0] not in _LINEAR_UPDATERS:
            raise UserError("Linear updater should be one of these options: 'shotgun', 'coord_descent'.")
    elif process_type == "update":
        if not all(updater in ("refresh", "prune") for updater in updaters):
            raise UserError("process_type 'update' can only be used with updater 'refresh' and 'prune'")
    elif not all(updater in _TREE_UPDATERS for updater in updaters):
        raise UserError(
            "Tree updater should be selected from these options: 'grow_colmaker', 'distcol', 'grow_histmaker', "
            "'grow_skmaker', 'grow_quantile_histmaker', 'sync', 'refresh', 'prune', 'shortgun', 'coord_descent'."
        )
    elif sum(updater in _GROWING_UPDATERS for updater in updaters) > 1:
        raise UserError(
            "Only one tree grow plugin can be selected. Choose one from the following: 'grow_colmaker', 'distcol', "
            "'grow_histmaker', 'grow_skmaker'"
        )


def validated_channels(channels: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the content type of each channel.

    FastFile mode shows the same files as File mode.

    :param channels: the content of ``inputdataconfig.json``.
    :raises UserError: the train channel is missing, one is not known, or one is not of a supported kind. A content type
        with parameters, such as ``text/csv; label_size=1``, is none of the supported ones.
    """
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    content_types = {}
    for name, given in channels.items():
        if name not in ("train", "validation", "code"):
            raise UserError(f"Extraneous channel found: {name}")
        channel = {"ContentType": _DEFAULT_CONTENT_TYPE, **given}
        supported = ("text/python",) if name == "code" else CSV + LIBSVM
        if channel["ContentType"] not in supported or channel.get("TrainingInputMode") not in ("File", "FastFile"):
            raise UserError(f"Channel configuration for '{name}' channel is not supported: {channel}")
        content_types[name] = channel["ContentType"]
    return content_types


def data_files(directory: Path) -> list[Path]:
    """Return a channel's files, at most three folders deep.

    :param directory: the channel's.
    :raises UserError: one is hidden.
    """
    found = []
    for folder, folders, names in os.walk(directory, followlinks=True):
        folders.sort()
        if any(name.startswith(".") for name in names):
            raise UserError("Hidden file found in the data path! Remove that before training.")
        if len(Path(folder).relative_to(directory).parts) >= _DEEPEST_FOLDER:
            if names or folders:
                logger.warning("Files in sub dirs deeper than %s of %s won't be loaded.", _DEEPEST_FOLDER, directory)
            folders.clear()
            continue
        found += [Path(folder, name) for name in sorted(names)]
    return found


def csv_delimiter(path: Path) -> str:
    """Return the delimiter of a file, by its first line.

    :param path: the file.
    :raises UserError: the line does not say.
    """
    with path.open(errors="ignore") as file:
        line = file.readline()
    try:
        delimiter = csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from None
    logger.info("Determined delimiter of CSV input is '%s'", delimiter)
    return delimiter


def check_libsvm(path: Path) -> None:
    """Look whether a file is in the libsvm format, by its first line that has more than one feature.

    :param path: the file.
    :raises UserError: it is not.
    """
    with path.open(errors="ignore") as file:
        for line in file:
            label, *features = line.split(" ")
            if not _is_label(label) or any(":" not in feature for feature in features):
                raise UserError(
                    f"First line '{line[:50]}...' of file '{path.name}' is not 'LIBSVM' format. "
                    "Please ensure the file is in 'LIBSVM' format."
                )
            if len(features) > 1:
                return


def _is_label(text: str) -> bool:
    try:
        return len([float(part) for part in text.split(":")]) <= 2
    except ValueError:
        return False


def read_matrix(directory: Path, content_type: str, weighted: bool, scratch: Path) -> Any:
    """Return a channel's data as XGBoost reads it, or ``None`` when there is none.

    :param directory: the channel's; several files are read as one.
    :param content_type: one of those that are supported.
    :param weighted: whether the second column of CSV is the weights.
    :param scratch: a directory that is there and empty.
    """
    import xgboost

    files = data_files(directory)
    if not sum(path.stat().st_size for path in files):
        return None
    with_data = [path for path in files if path.stat().st_size and not path.name.startswith("_")]
    if content_type in CSV:
        delimiters = [csv_delimiter(path) for path in with_data]
        options = f"format=csv&label_column=0&delimiter={delimiters[0]}" + ("&weight_column=1" if weighted else "")
    else:
        for path in with_data:
            check_libsvm(path)
        options = "format=libsvm"
    # XGBoost reads all files of one directory, which is not to have others below it.
    for number, path in enumerate(with_data):
        (scratch / f"{number:05}").symlink_to(path.resolve())
    try:
        matrix = xgboost.DMatrix(f"{scratch}?{options}")
    except xgboost.core.XGBoostError as error:
        kind = "csv" if content_type in CSV else "libsvm"
        raise UserError(f"Failed to load {kind} data with exception:\n{error}") from None
    if not matrix.get_label().size:
        raise UserError("Got input data without labels. Please check the input data set.")
    return matrix


def evaluated(values: dict[str, Any]) -> list[str]:
    """Return the metrics to evaluate: those asked for, and the one that is tuned.

    :param values: the hyperparameters.
    """
    asked, tuned = values.get("eval_metric", []), _tuned_metric(values)
    return sorted({*asked, *tuned}) if asked and tuned else asked or tuned


def _tuned_metric(values: dict[str, Any]) -> list[str]:
    objective = values.get("_tuning_objective_metric")
    return [objective.split(":")[1]] if objective else []


def _scores(name: str, **options: str) -> Callable[[Any, Any, Any], float]:
    def score(labels: Any, _predictions: Any, classes: Any) -> float:
        from sklearn import metrics

        return float(getattr(metrics, f"{name}_score")(labels, classes, **options))

    return score


def _r2(labels: Any, predictions: Any, _classes: Any) -> float:
    from sklearn import metrics

    return float(metrics.r2_score(labels, predictions))


def _mean_squared_error(labels: Any, predictions: Any, _classes: Any) -> float:
    return float(((labels - predictions) ** 2).mean())


_CUSTOM_METRICS: dict[str, Callable[[Any, Any, Any], float]] = {
    "accuracy": _scores("accuracy"),
    "balanced_accuracy": _scores("balanced_accuracy"),
    "f1": _scores("f1", average="macro"),
    "f1_binary": _scores("f1", average="binary"),
    "f1_macro": _scores("f1", average="macro"),
    "mae": lambda labels, predictions, _classes: float(abs(labels - predictions).mean()),
    "mse": _mean_squared_error,
    "precision": _scores("precision"),
    "precision_macro": _scores("precision", average="macro"),
    "precision_micro": _scores("precision", average="micro"),
    "r2": _r2,
    "recall": _scores("recall"),
    "recall_macro": _scores("recall", average="macro"),
    "recall_micro": _scores("recall", average="micro"),
    "rmse": lambda labels, predictions, classes: math.sqrt(_mean_squared_error(labels, predictions, classes)),
}
"""Of labels, predictions, and the classes that these stand for."""


def _custom_metric(names: list[str], objective: str | None) -> Callable[[Any, Any], list[tuple[str, float]]]:
    # XGBoost hands over probabilities where the objective makes some, and the container's versions differ in what they
    # take them for. Here a class is what is more probable than not.
    threshold = 0.5 if objective in ("binary:logistic", "reg:logistic") else 0.0

    def evaluate(predictions: Any, matrix: Any) -> list[tuple[str, float]]:
        if predictions.ndim > 1:
            classes = predictions.argmax(axis=-1)
        elif objective == "multi:softmax":
            classes = predictions
        else:
            classes = (predictions > threshold).astype(int)
        return [(name, _CUSTOM_METRICS[name](matrix.get_label(), predictions, classes)) for name in names]

    return evaluate


def evaluation_line(round_number: int, history: dict[str, dict[str, list[float]]]) -> str:
    """Return what is printed after a round.

    The container prints tabs, and SageMaker's logs show each as ``#011``: the built-in metrics are looked for so.

    :param round_number: from 0.
    :param history: the values of all rounds, by data and metric.
    """
    values = (
        f"#011{data}-{metric}:{rounds[-1]:.5f}"
        for data, metrics in history.items()
        for metric, rounds in metrics.items()
    )
    return f"[{round_number}]" + "".join(values)


def train(
    values: dict[str, Any], training: Any, validation: Any, model_directory: Path, version: tuple[int, ...]
) -> None:
    """Train and save the model.

    :param values: the hyperparameters.
    :param training: the data to train with.
    :param validation: the data to evaluate with, or ``None``.
    :param model_directory: where the model goes.
    :param version: the container's; empty for the newest.
    """
    import xgboost

    metrics = evaluated(values)
    custom = [metric for metric in metrics if metric in _CUSTOM_METRICS]
    parameters = {name: value for name, value in values.items() if name not in _NOT_OF_XGBOOST}
    if "updater" in parameters:
        parameters["updater"] = ",".join(parameters["updater"])
    if len(metrics) > len(custom):
        parameters["eval_metric"] = [metric for metric in metrics if metric not in custom]

    class EachRound(xgboost.callback.TrainingCallback):  # type: ignore[misc, unused-ignore]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            sys.stdout.write(evaluation_line(epoch, evals_log) + "\n")
            sys.stdout.flush()
            if values.get("save_model_on_termination") == "true":
                save(model, model_directory, version)
            return False

    callbacks: list[Any] = [EachRound()]
    stopping_metric = (_tuned_metric(values) or values.get("eval_metric") or [""])[-1]
    if values.get("early_stopping_rounds") and validation is not None and stopping_metric:
        callbacks.append(
            xgboost.callback.EarlyStopping(
                rounds=values["early_stopping_rounds"],
                data_name="validation",
                metric_name=stopping_metric,
                maximize=stopping_metric in MAXIMIZED_METRICS,
                save_best=True,
            )
        )
    try:
        model = xgboost.train(
            parameters,
            training,
            num_boost_round=values["num_round"],
            evals=[(training, "train")] + ([(validation, "validation")] if validation is not None else []),
            custom_metric=_custom_metric(custom, values.get("objective")) if custom else None,
            callbacks=callbacks,
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        if any(message in str(error) for message in _ERRORS_OF_USERS):
            raise UserError(str(error)) from None
        raise AlgorithmError(f"XGB train call failed with exception:\n {error}") from None
    save(model, model_directory, version)


def save(model: Any, directory: Path, version: tuple[int, ...]) -> None:
    """Save a model as the container does: pickled before 1.3, with XGBoost since.

    :param model: the booster.
    :param directory: made when it is not there.
    :param version: the container's; empty for the newest.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if version and version < _SAVES_MODELS:
        with (directory / MODEL_NAME).open("wb") as file:
            pickle.dump(model, file, protocol=4)
    else:
        model.save_model(str(directory / MODEL_NAME))


def run(root: Path, version: tuple[int, ...]) -> None:
    """Train as the files below a directory say.

    :param root: ``/opt/ml`` in a job.
    :param version: the container's; empty for the newest.
    :raises UserError: the job asks for something that cannot be.
    :raises AlgorithmError: XGBoost failed.
    :raises ImportError: the interpreter has no XGBoost, or one that is too old.
    """
    configuration = root / "input" / "config"
    values = validated_hyperparameters(json.loads((configuration / "hyperparameters.json").read_text()), version)
    content_types = validated_channels(json.loads((configuration / "inputdataconfig.json").read_text()))
    logger.info("Running XGBoost Sagemaker in algorithm mode")
    import xgboost

    if tuple(int(part) for part in xgboost.__version__.split(".")[:2]) < _OLDEST_XGBOOST:
        oldest = ".".join(str(part) for part in _OLDEST_XGBOOST)
        raise ImportError(f"xgboost {oldest} or later is needed, and there is {xgboost.__version__}")
    matrices: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("train", "validation"):
            matrices[name] = None
            if name in content_types:
                directory, target = root / "input" / "data" / name, Path(scratch, name)
                target.mkdir()
                # The container takes the validation data for what the training data are.
                matrices[name] = read_matrix(directory, content_types["train"], values.get("csv_weights") == 1, target)
                if matrices[name] is None:
                    channel = "training" if name == "train" else "validation"
                    raise UserError(f"No data in {channel} channel path {directory}")
        training, validation = matrices["train"], matrices["validation"]
        logger.info("Single node training.")
        logger.info("Train matrix has %s rows and %s columns", training.num_row(), training.num_col())
        if validation is not None:
            logger.info("Validation matrix has %s rows", validation.num_row())
        train(values, training, validation, root / "model", version)


def main(arguments: list[str] | None = None, root: Path = Path("/opt/ml")) -> int:
    """Run the program. What fails is also written to the failure file.

    :param arguments: without the program's name; those of the process when ``None``.
    :param root: ``/opt/ml``.
    :return: the exit code.
    """
    parser = argparse.ArgumentParser(description="Train XGBoost in algorithm mode.")
    parser.add_argument("--image-version", default="", help="the version of AWS's container, such as 1.7")
    version = parser.parse_args(arguments).image_version
    logging.basicConfig(
        level=logging.INFO, format="[%(asctime)s:%(levelname)s] %(message)s", datefmt="%Y-%m-%d:%H:%M:%S"
    )
    # Whoever reads the log can do nothing about these.
    warnings.filterwarnings("ignore", message=".*(Text file input|Saving model in the UBJSON format)")
    try:
        run(root, tuple(int(part) for part in version.split(".") if part))
    except (UserError, AlgorithmError) as error:
        message = f"{_TOOLKIT}.{type(error).__name__}: {error}"
        sys.stderr.write(f"{message}\n")
        (root / "output").mkdir(exist_ok=True)
        (root / "output" / "failure").write_text(f"framework error: \n{message}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
