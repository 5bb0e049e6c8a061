"""What is answered without looking: the prevalence, the class frequencies, or the training mean.

A model that does not beat this has learnt nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sequela.baselines import _problem, _residuals
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    levels: tuple[float, ...] = _residuals.LEVELS  # of the quantiles of a forecast; a run sets those of its task


class Mean:
    """Gives every row the same answer."""

    def __init__(self, config: Config) -> None:
        self._kind = ""
        self._around = _residuals.Residuals(config.levels)
        self._names: tuple[str, ...] = ()
        self._priors: list[Array] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Averages the training labels; tune and the seed are not used. Raises DataError where one is known in no row."""
        self._kind = "regression" if kind == "forecast" else kind
        found = _problem.learnable(train.target, self._kind)
        self._names, self._priors = train.target.names, [_problem.prior(problem) for problem in found]
        self._around.fit(kind, self.answer(train), train.target)

    def answer(self, rows: Evidence) -> Answer:
        if not self._priors:
            raise DataError("this baseline has not been fitted")
        return self._around(_problem.answer(self._kind, self._names, [np.tile(prior, (len(rows), 1)) for prior in self._priors]))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {}


def build(config: Config) -> Mean:
    return Mean(config)
