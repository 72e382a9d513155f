"""The program that trains XGBoost in algorithm mode."""

from __future__ import annotations

import ast
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.local.containers import xgboost_training
from airflow_sm_pipelines.local.containers.xgboost_training import (
    AlgorithmError,
    UserError,
    check_libsvm,
    csv_delimiter,
    data_files,
    evaluated,
    evaluation_line,
    run,
    validated_channels,
    validated_hyperparameters,
)

FILE = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
CSV = {"ContentType": "text/csv", **FILE}
IN_ONE_PROCESS = pytest.mark.xdist_group("xgboost")
"""Importing it takes longer than all of these tests."""

ROWS = [(index % 2, index / 20, (index * 7 % 20) / 20) for index in range(20)]


def test_it_needs_no_newer_python_than_3_8():
    """Its interpreter stands for an image, and older images have older ones."""
    source = Path(xgboost_training.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "airflow_sm_pipelines" not in imported


def test_hyperparameters_are_parsed():
    """Texts become what XGBoost takes; aliases are replaced."""
    given = {
        "num_round": "5",
        "learning_rate": "0.1",
        "objective": "binary:logistic",
        "eval_metric": "auc,error@0.7",
        "tree_method": "hist",
        "monotone_constraints": "(1, -1)",
        "interaction_constraints": "[[1, 2]]",
        "updater": "prune,refresh",
        "_tuning_objective_metric": "validation:auc",
    }
    assert validated_hyperparameters(given) == {
        "num_round": 5,
        "eta": 0.1,
        "objective": "binary:logistic",
        "eval_metric": ["auc", "error@0.7"],
        "tree_method": "hist",
        "monotone_constraints": (1, -1),
        "interaction_constraints": [[1, 2]],
        "updater": ["prune", "refresh"],
        "_tuning_objective_metric": "validation:auc",
    }


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"num_round": ""}, "Hyperparameter num_round: could not parse value (caused by ValueError)"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"eta": "2"}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
        ({"subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({"booster": "tree"}, "Hyperparameter booster: tree is not in ['gbtree', 'gblinear', 'dart']"),
        ({"rounds": "1"}, "Extraneous hyperparameter found: rounds"),
        ({"silent": "1"}, "Extraneous hyperparameter found: silent"),
        ({"monotone_constraints": "(2,)"}, "Hyperparameter monotone_constraints: value (2,) not in range [-1, 0, 1]"),
        (
            {"monotone_constraints": "(1"},
            "Hyperparameter monotone_constraints: could not parse value (caused by ValueError)",
        ),
        (
            {"monotone_constraints": "(1,)"},
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'.",
        ),
        (
            {"interaction_constraints": "[[1]]"},
            (
                "interaction_constraints can be used only when the tree_method parameter is set to either 'exact', 'hist' or "
                "'approx'."
            ),
        ),
        ({"objective": "multi:softmax"}, "Require input for parameter 'num_class' for multi-classification"),
        ({"eval_metric": "rmse"}, "The hyperparameter eval_metric needs the hyperparameter objective"),
        (
            {"objective": "reg:squarederror", "eval_metric": "auc"},
            "Metric 'auc' can only be applied for classification and ranking problems.",
        ),
        (
            {"objective": "reg:squarederror", "eval_metric": "aft-nloglik"},
            "Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.",
        ),
        ({"eval_metric": "error@x"}, "Threshold value 't' in 'error@t' expects float input."),
        (
            {"eval_metric": "auc@1"},
            (
                "Metric 'auc@1' is not supported. Parameter 'eval_metric' with customized threshold should be one of these "
                "options: 'error', 'ndcg', 'map'."
            ),
        ),
        ({"eval_metric": "<function f>"}, "User defined evaluation metric <function f> is not supported yet."),
        (
            {"booster": "gblinear", "updater": "prune"},
            "Linear updater should be one of these options: 'shotgun', 'coord_descent'.",
        ),
        (
            {"process_type": "update", "updater": "sync"},
            "process_type 'update' can only be used with updater 'refresh' and 'prune'",
        ),
        (
            {"updater": "shotgun"},
            (
                "Tree updater should be selected from these options: 'grow_colmaker', 'distcol', 'grow_histmaker', "
                "'grow_skmaker', 'grow_quantile_histmaker', 'sync', 'refresh', 'prune', 'shortgun', 'coord_descent'."
            ),
        ),
        (
            {"updater": "grow_colmaker,distcol"},
            (
                "Only one tree grow plugin can be selected. Choose one from the following: 'grow_colmaker', 'distcol', "
                "'grow_histmaker', 'grow_skmaker'"
            ),
        ),
    ],
)
def test_hyperparameters_that_cannot_be(given: dict[str, str], complaint: str):
    """In the container's words: what is missing, unknown, no value, out of range, or does not go together."""
    with pytest.raises(UserError) as error:
        validated_hyperparameters({"num_round": "1", **given})
    assert str(error.value) == complaint


def test_hyperparameters_by_version():
    """The number of rounds is required always; some names were known to older containers only."""
    with pytest.raises(UserError, match=r"^Missing required hyperparameter: num_round$"):
        validated_hyperparameters({})
    assert validated_hyperparameters({"num_round": "1", "silent": "0"}, (1, 0)) == {"num_round": 1, "silent": 0}
    with pytest.raises(UserError, match=r"^Extraneous hyperparameter found: silent$"):
        validated_hyperparameters({"num_round": "1", "silent": "0"}, (1, 2))
    with pytest.raises(AlgorithmError, match=r"^Hyperparameter interaction_constraints: unexpected failure when"):
        validated_hyperparameters({"num_round": "1", "interaction_constraints": "1"})


def test_a_metric_that_is_not_known():
    """All that are known are named."""
    with pytest.raises(UserError) as error:
        validated_hyperparameters({"num_round": "1", "eval_metric": "rmsee"})
    known = list(xgboost_training.METRICS)
    assert str(error.value) == f"Hyperparameter eval_metric: value ['rmsee'] not in range {known}"


def test_channels():
    """Libsvm is what is not said; FastFile shows files."""
    channels = {"train": {**FILE, "TrainingInputMode": "FastFile"}, "validation": CSV}
    assert validated_channels(channels) == {"train": "text/libsvm", "validation": "text/csv"}


@pytest.mark.parametrize(
    ("channels", "complaint"),
    [
        ({"validation": CSV}, "Missing required channel: train"),
        ({"train": CSV, "test": CSV}, "Extraneous channel found: test"),
        (
            {"train": {**CSV, "ContentType": "text/csv; label_size=1"}},
            (
                "Channel configuration for 'train' channel is not supported: "
                f"{ ({**CSV, 'ContentType': 'text/csv; label_size=1'}) }"
            ),
        ),
        (
            {"train": {**CSV, "TrainingInputMode": "Pipe"}},
            f"Channel configuration for 'train' channel is not supported: { ({**CSV, 'TrainingInputMode': 'Pipe'}) }",
        ),
    ],
)
def test_channels_that_cannot_be(channels: dict[str, dict[str, str]], complaint: str):
    """In the container's words. It compares content types with their parameters, and none has any."""
    with pytest.raises(UserError) as error:
        validated_channels(channels)
    assert str(error.value) == complaint


def test_the_files_of_a_channel(tmp_path: Path):
    """Of three levels, in order; hidden ones are refused."""
    for name in ("b.csv", "a/c.csv", "a/b/d.csv", "a/b/c/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    assert data_files(tmp_path) == [tmp_path / name for name in ("b.csv", "a/c.csv", "a/b/d.csv")]
    (tmp_path / "a" / ".part").write_text("1")
    with pytest.raises(UserError, match=r"^Hidden file found in the data path! Remove that before training\.$"):
        data_files(tmp_path)


def test_the_format_is_looked_at(tmp_path: Path):
    """The first line tells the delimiter, and whether it is libsvm at all."""
    path = tmp_path / "data"
    path.write_text("1;2;3\n")
    assert csv_delimiter(path) == ";"
    path.write_text("\n1,2,3\n")
    with pytest.raises(UserError) as unknown:
        csv_delimiter(path)
    assert str(unknown.value) == "Could not determine delimiter on line \n:\nCould not determine delimiter"
    path.write_text("1:0.5 1:2\n0 1:2 3:4\nnot looked at\n")
    check_libsvm(path)
    path.write_text("1,2,3\n")
    with pytest.raises(UserError) as error:
        check_libsvm(path)
    assert str(error.value) == (
        "First line '1,2,3\n...' of file 'data' is not 'LIBSVM' format. Please ensure the file is in 'LIBSVM' format."
    )


def test_metrics_to_evaluate():
    """Those asked for in their order, and with the one that is tuned in the alphabet's."""
    assert evaluated({}) == []
    assert evaluated({"eval_metric": ["rmse", "mae"]}) == ["rmse", "mae"]
    assert evaluated({"_tuning_objective_metric": "validation:auc"}) == ["auc"]
    assert evaluated({"eval_metric": ["logloss", "error"], "_tuning_objective_metric": "validation:auc"}) == [
        "auc",
        "error",
        "logloss",
    ]


def test_what_is_printed_after_a_round():
    """As SageMaker's log shows it: a tab is #011."""
    history = {"train": {"rmse": [1, 0.5], "mae": [1, 0.25]}, "validation": {"rmse": [1, 0.123456]}}
    assert evaluation_line(1, history) == "[1]#011train-rmse:0.50000#011train-mae:0.25000#011validation-rmse:0.12346"


class Training:
    """The files of a training job."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "input" / "config").mkdir(parents=True)
        self.channels: dict[str, dict[str, str]] = {}

    def add(self, channel: str, files: dict[str, str], **configuration: str) -> None:
        """A channel with files."""
        self.channels[channel] = {**FILE, **configuration}
        for name, content in files.items():
            path = self.root / "input" / "data" / channel / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def run(self, version: tuple[int, ...] = (), **hyperparameters: str) -> Path:
        """Train and return the model."""
        configuration = self.root / "input" / "config"
        (configuration / "hyperparameters.json").write_text(json.dumps({"nthread": "1", **hyperparameters}))
        (configuration / "inputdataconfig.json").write_text(json.dumps(self.channels))
        run(self.root, version)
        return self.root / "model" / "xgboost-model"


@pytest.fixture
def training(tmp_path: Path) -> Training:
    """A job without channels."""
    return Training(tmp_path)


def load(model: Path) -> Any:
    """The model as XGBoost loads it, which is imported late: collecting tests is not to wait for it."""
    import xgboost

    return xgboost.Booster(model_file=model)


def csv(rows: list[tuple[Any, ...]]) -> str:
    return "".join(",".join(str(value) for value in row) + "\n" for row in rows)


def lines(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """What was evaluated after each round, without the values."""
    return [
        [part.split(":")[0] if part[0] != "[" else part for part in line.split("#011")]
        for line in capsys.readouterr().out.splitlines()
    ]


@IN_ONE_PROCESS
def test_csv_of_several_files(training: Training, capsys: pytest.CaptureFixture[str]):
    """The label comes first, the files are one table; XGBoost loads the model, as those since 1.3 are."""
    training.add("train", {"a.csv": csv(ROWS[:10]), "deep/b.csv": csv(ROWS[10:]), "_SUCCESS": ""}, ContentType="csv")
    training.add("validation", {"v.csv": csv(ROWS)}, ContentType="csv")
    model = training.run((1, 7), num_round="2", objective="binary:logistic")
    booster = load(model)
    assert (booster.num_boosted_rounds(), booster.num_features()) == (2, 2)
    assert lines(capsys) == [[f"[{number}]", "train-logloss", "validation-logloss"] for number in range(2)]


@IN_ONE_PROCESS
def test_libsvm_for_an_old_container(training: Training):
    """Those before 1.3 pickle the model, and scripts for them unpickle it."""
    training.add("train", {"data": "".join(f"{label} 1:{a} 3:{b}\n" for label, a, b in ROWS)})
    booster = pickle.loads(training.run((1, 0), num_round="1").read_bytes())
    assert (booster.num_boosted_rounds(), booster.num_features()) == (1, 4)


@IN_ONE_PROCESS
def test_weights_in_the_second_column(training: Training):
    """With csv_weights=1: rows of weight 0 do not count."""
    weighted = [(label, label, a, b) for label, a, b in ROWS]
    training.add("train", {"data": csv(weighted)}, ContentType="text/csv")
    model = training.run(num_round="1", csv_weights="1", eta="1", min_child_weight="0", **{"lambda": "0"})
    import xgboost

    predicted = load(model).predict(xgboost.DMatrix([[a, b] for _, a, b in ROWS]))
    assert [round(float(each), 3) for each in predicted] == [1.0] * 20


@IN_ONE_PROCESS
def test_training_stops_early_by_the_last_metric(training: Training, capsys: pytest.CaptureFixture[str]):
    """When it does not improve with the validation data; the model is that of the best round."""
    training.add("train", {"data": csv(ROWS)}, ContentType="text/csv")
    training.add("validation", {"data": csv([(1 - label, a, b) for label, a, b in ROWS])}, ContentType="text/csv")
    model = training.run(
        num_round="9", objective="binary:logistic", eval_metric="error,logloss", early_stopping_rounds="2"
    )
    assert [line[0] for line in lines(capsys)] == ["[0]", "[1]", "[2]"]
    assert load(model).num_boosted_rounds() == 1


@IN_ONE_PROCESS
def test_metrics_of_the_container(training: Training, capsys: pytest.CaptureFixture[str]):
    """Those that XGBoost does not have come after its own; a class is what is more probable than not."""
    training.add("train", {"data": csv(ROWS)}, ContentType="text/csv")
    training.run(num_round="1", objective="binary:logistic", eval_metric="accuracy,error,mse,f1")
    parts = capsys.readouterr().out.split("#011")
    assert [part.split(":")[0] for part in parts] == ["[0]", "train-error", "train-accuracy", "train-mse", "train-f1"]
    values = dict(part.strip().split(":") for part in parts[1:])
    assert float(values["train-error"]) + float(values["train-accuracy"]) == pytest.approx(1)


@IN_ONE_PROCESS
def test_classes_of_more_than_two(training: Training, capsys: pytest.CaptureFixture[str]):
    """They are the most probable one, or the prediction itself."""
    training.add("train", {"data": csv([(index % 3, *row[1:]) for index, row in enumerate(ROWS)])}, ContentType="csv")
    shown = []
    for objective in ("multi:softprob", "multi:softmax"):
        training.run(num_round="3", objective=objective, num_class="3", eval_metric="accuracy,merror")
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    last = dict(part.strip().split(":") for part in shown[0].splitlines()[-1].split("#011")[1:])
    assert float(last["train-merror"]) + float(last["train-accuracy"]) == pytest.approx(1)


@IN_ONE_PROCESS
@pytest.mark.parametrize(
    ("channels", "hyperparameters", "complaint"),
    [
        ({"train": ""}, {}, "^No data in training channel path .*/input/data/train$"),
        ({"train": csv(ROWS), "validation": ""}, {}, "^No data in validation channel path .*/input/data/validation$"),
        (
            {"train": csv(ROWS)},
            {"objective": "multi:softmax", "num_class": "2", "eval_metric": "logloss"},
            "^XGB train call failed",
        ),
        ({"train": csv([(2, 1, 1)])}, {"objective": "binary:logistic"}, "base_score must be in "),
    ],
)
def test_data_that_do_not_do(
    training: Training, channels: dict[str, str], hyperparameters: dict[str, str], complaint: str
):
    """No data, or such as the objective cannot have: whose fault it is shows in the error."""
    for name, content in channels.items():
        training.add(name, {"data": content}, ContentType="text/csv")
    expected = AlgorithmError if complaint.startswith("^XGB") else UserError
    with pytest.raises(expected, match=complaint):
        training.run(num_round="1", **hyperparameters)
