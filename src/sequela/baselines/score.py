"""A severity score that the data brings (SAPS-I, SOFA), turned into a risk by logistic regression on that score alone.

A missing score counts as the training median, with an indicator of its absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.baselines import _linear, _problem
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

PLAN = _linear.Plan((1e4,), 300)  # practically without a penalty: there are two weights to find


class Config(Strict, frozen=True):
    code: Name  # of the score, as the data has it: "SCORE//SAPS-I"


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    median: float
    scale: float
    models: tuple[_linear.Linear, ...]


class Score:
    """Learns one curve from score to risk for each label."""

    def __init__(self, config: Config) -> None:
        self._column = f"scores.{config.code}"
        self._fitted: _Fitted | None = None

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Raises DataError where the data brings no such score, or no training row has it."""
        score = self._score(train)
        seen = score[np.isfinite(score)]
        if not len(seen):
            raise DataError(f"no training row has the score {self._column.removeprefix('scores.')!r}")
        median, scale = float(np.median(seen)), float(seen.std()) or 1.0
        pairs = _problem.pairs(train.target, tune.target, kind)
        features, held = _features(score, median, scale), _features(self._score(tune), median, scale)
        models = [_linear.chosen(_linear.Rows(features[a.rows], a), _linear.Rows(held[b.rows], b), PLAN)[0] for a, b in pairs]
        self._fitted = _Fitted(kind, train.target.names, median, scale, tuple(models))

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        features = _features(self._score(rows), self._fitted.median, self._fitted.scale)
        return _problem.answer(self._fitted.kind, self._fitted.names, [model(features) for model in self._fitted.models])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {} if self._fitted is None else {"score": self._column, "median": self._fitted.median}

    def _score(self, rows: Evidence) -> Array:
        if self._column not in rows.plain.names:
            code = self._column.removeprefix("scores.")
            raise DataError(f"the data brings no score {code!r}", hint=f'name it in the study: [baselines] scores = ["{code}"]')
        return rows.plain.values[:, rows.plain.names.index(self._column)].astype(np.float64)


def _features(score: Array, median: float, scale: float) -> Array:
    """Centred score and absence, "N 2"."""
    absent = ~np.isfinite(score)
    return np.stack([(np.where(absent, median, score) - median) / scale, absent], axis=1)


def build(config: Config) -> Score:
    return Score(config)
