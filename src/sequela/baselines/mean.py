"""What is answered without looking: the prevalence, the class frequencies, or the training mean.

A model that does not beat this has learnt nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sequela.baselines import _problem
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    """There is nothing to choose."""


class Mean:
    """Gives every row the same answer."""

    def __init__(self) -> None:
        self._kind = ""
        self._names: tuple[str, ...] = ()
        self._priors: list[Array] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Averages the training labels; tune and the seed are not used. Raises DataError where one is known in no row."""
        found = _problem.learnable(train.target, kind)
        self._kind, self._names, self._priors = kind, train.target.names, [_problem.prior(problem) for problem in found]

    def answer(self, rows: Evidence) -> Answer:
        if not self._priors:
            raise DataError("this baseline has not been fitted")
        return _problem.answer(self._kind, self._names, [np.tile(prior, (len(rows), 1)) for prior in self._priors])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {}


def build(config: Config) -> Mean:
    return Mean()
