"""Which combinations of hyperparameters are tried: Optuna decides, but for Grid, where all of them are.

Optuna is loaded when a tuning job starts. A search is used by one thread.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.tuning.plan import GRID, HYPERBAND, Definition, Resources
from airflow_sm_pipelines.local.tuning.ranges import LOGARITHMIC, REVERSE_LOGARITHMIC, Choice, NumberRange, Range

if TYPE_CHECKING:
    import optuna

_STUDY: Final = "tuning"
"""Hyperband's brackets depend on a study's name: with this one, the same seed makes the same brackets."""

_SEEDS: Final = 2**32
"""Seeds are below that."""


class Trial(Protocol):
    """One combination that is tried."""

    @property
    def values(self) -> Mapping[str, str]:
        """The hyperparameters, as training jobs are given them."""

    def report(self, value: float) -> bool:
        """Take note of a value of the objective metric, in the order in which they are printed.

        :param value: the value.
        :return: whether to go no further with this trial.
        """

    def tell(self, value: float | None) -> None:
        """Take note of how the trial ended. What follows is chosen with this in mind.

        :param value: of the objective; ``None`` when there is none.
        """


class Search(Protocol):
    """Chooses combinations of hyperparameters."""

    def ask(self) -> Trial | None:
        """Choose the next combination; ``None`` when all have been tried."""


def search_of(definition: Definition, strategy: str, seed: int | None) -> Search:
    """Return the search for one definition of training jobs.

    :param definition: the definition.
    :param strategy: Bayesian, Random, Grid or Hyperband.
    :param seed: the same seed chooses the same combinations, as long as the trials end in the same order with the same
        values; ``None`` for one that nobody knows.
    """
    if strategy == GRID:
        return GridSearch(definition.ranges)
    return OptunaSearch(definition, strategy, None if seed is None else seed % _SEEDS)


class GridSearch:
    """All combinations, one after the other; the last hyperparameter changes first.

    :param ranges: choices.
    """

    def __init__(self, ranges: tuple[Range, ...]) -> None:
        choices = [each for each in ranges if isinstance(each, Choice)]
        names = [each.name for each in choices]
        self._left = (
            GridTrial(dict(zip(names, values, strict=True)))
            for values in itertools.product(*(each.values for each in choices))
        )

    def ask(self) -> GridTrial | None:
        """Return the next combination; ``None`` after the last one."""
        return next(self._left, None)


class GridTrial:
    """A combination of a grid. Nothing depends on how it ends.

    :param values: the hyperparameters.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def report(self, value: float) -> bool:  # noqa: ARG002 - what a trial receives
        """Go on."""
        return False

    def tell(self, value: float | None) -> None:
        """Do nothing."""


class OptunaSearch:
    """A study of Optuna: random values for Random; a tree-structured Parzen estimator for Bayesian and Hyperband.

    Hyperband is that of Optuna, with its defaults: brackets of asynchronous successive halving, a third continues.

    :param definition: of the training jobs.
    :param strategy: Bayesian, Random or Hyperband.
    :param seed: below :data:`_SEEDS`; ``None`` for any.
    :raises JobFailedError: Optuna is not installed.
    """

    def __init__(self, definition: Definition, strategy: str, seed: int | None) -> None:
        try:
            import optuna
        except ModuleNotFoundError as error:
            raise JobFailedError(
                f"ClientError: the local endpoint cannot search with the strategy {strategy}: '{error.name}' is not"
                " installed. Install the extra 'local': pip install 'airflow-sm-pipelines[local]'"
            ) from error

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler: optuna.samplers.BaseSampler = optuna.samplers.TPESampler(seed=seed)
        if strategy == "Random":
            sampler = optuna.samplers.RandomSampler(seed=seed)
        pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
        self._resources = definition.resources if strategy == HYPERBAND else None
        if self._resources is not None:
            pruner = optuna.pruners.HyperbandPruner(self._resources.least, self._resources.most)
        self._ranges = definition.ranges
        self._study = optuna.create_study(
            study_name=_STUDY,
            direction="maximize" if definition.objective.maximize else "minimize",
            sampler=sampler,
            pruner=pruner,
        )

    def ask(self) -> OptunaTrial:
        """Choose the next combination."""
        trial = self._study.ask()
        values = {each.name: _suggest(trial, each) for each in self._ranges}
        return OptunaTrial(self._study, trial, values, self._resources)


class OptunaTrial:
    """A trial of a study.

    :param study: the study.
    :param trial: the trial.
    :param values: the hyperparameters.
    :param resources: with Hyperband, how far it goes.
    """

    def __init__(
        self, study: optuna.Study, trial: optuna.Trial, values: Mapping[str, str], resources: Resources | None
    ) -> None:
        self.values = values
        self._study = study
        self._trial = trial
        self._resources = resources
        self._reported = 0
        self._pruned = False

    def report(self, value: float) -> bool:
        """Have Hyperband decide. A trial that reports more values than the most resources is stopped, too."""
        if self._resources is None:
            return False
        self._reported += 1
        if self._reported > self._resources.most:
            return True
        self._trial.report(value, self._reported)
        self._pruned = self._pruned or self._trial.should_prune()
        return self._pruned

    def tell(self, value: float | None) -> None:
        """End the trial: as pruned, where Hyperband did so, otherwise with its value."""
        from optuna.trial import TrialState

        if value is None:
            self._study.tell(self._trial, state=TrialState.FAIL)
        elif self._pruned:
            self._study.tell(self._trial, state=TrialState.PRUNED)
        else:
            self._study.tell(self._trial, value)


def _suggest(trial: optuna.Trial, searched: Range) -> str:
    if isinstance(searched, Choice):
        return trial.suggest_categorical(searched.name, searched.values)
    if searched.is_integer:
        low, high = int(searched.low), int(searched.high)
        return str(trial.suggest_int(searched.name, low, high, log=searched.scaling == LOGARITHMIC))
    return repr(_suggest_number(trial, searched))


def _suggest_number(trial: optuna.Trial, searched: NumberRange) -> float:
    low, high = searched.low, searched.high
    if searched.scaling != REVERSE_LOGARITHMIC:
        return trial.suggest_float(searched.name, low, high, log=searched.scaling == LOGARITHMIC)
    # What is left to 1 has a logarithmic scale. Rounding must not lead out of the range.
    rest = trial.suggest_float(searched.name, 1 - high, 1 - low, log=True)
    return min(max(1 - rest, low), high)
