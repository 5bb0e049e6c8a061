"""A severity score that the data brings (SAPS-I, SOFA), turned into a risk by logistic regression on that score alone.

A missing score counts as the training median, with an indicator of its absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sequela.baselines import _curve
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    code: Name  # of the score, as the data has it: "SCORE//SAPS-I"


class Score:
    """Learns one curve from score to risk for each label."""

    def __init__(self, config: Config) -> None:
        self._code = config.code
        self._curve: _curve.Curve | None = None

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Raises DataError where the data brings no such score, or no training row has it."""
        self._curve = _curve.fit(self._code, (self._score(train), self._score(tune)), train, tune, kind)

    def answer(self, rows: Evidence) -> Answer:
        if self._curve is None:
            raise DataError("this baseline has not been fitted")
        return self._curve.answer(self._score(rows))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {} if self._curve is None else {"score": f"scores.{self._code}", "median": self._curve.median}

    def _score(self, rows: Evidence) -> Array:
        column = f"scores.{self._code}"
        if column not in rows.plain.names:
            raise DataError(
                f"the data brings no score {self._code!r}", hint=f'name it in the study: [baselines] scores = ["{self._code}"]'
            )
        return rows.plain.values[:, rows.plain.names.index(column)].astype(np.float64)


def build(config: Config) -> Score:
    return Score(config)
