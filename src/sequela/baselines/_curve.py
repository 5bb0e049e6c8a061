"""One curve from a severity score to a risk, by logistic regression on that score alone.

A missing score counts as the training median, with an indicator of its absence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.baselines import _linear, _problem
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

PLAN = _linear.Plan((1e4,), 300)  # practically without a penalty: there are two weights to find


@dataclass(frozen=True, slots=True)
class Curve:
    """What was learnt: a curve for each label."""

    kind: str
    names: tuple[str, ...]
    median: float
    scale: float
    models: tuple[_linear.Linear, ...]

    def answer(self, score: Array) -> Answer:
        """The risks at these scores "N" (NaN: missing)."""
        features = _features(score, self.median, self.scale)
        return _problem.answer(self.kind, self.names, [model(features) for model in self.models])


def fit(name: str, scores: tuple[Array, Array], train: Evidence, tune: Evidence, kind: str) -> Curve:
    """The curve through the scores "N" of the training rows; `scores` has those of the tune rows as well.

    Raises DataError where no training row has a score.
    """
    seen = scores[0][np.isfinite(scores[0])]
    if not len(seen):
        raise DataError(f"no training row has the score {name!r}")
    median, scale = float(np.median(seen)), float(seen.std()) or 1.0
    features, held = (_features(score, median, scale) for score in scores)
    pairs = _problem.pairs(train.target, tune.target, kind)
    models = [_linear.chosen(_linear.Rows(features[a.rows], a), _linear.Rows(held[b.rows], b), PLAN)[0] for a, b in pairs]
    return Curve(kind, train.target.names, median, scale, tuple(models))


def _features(score: Array, median: float, scale: float) -> Array:
    """Centred score and absence, "N 2"."""
    absent = ~np.isfinite(score)
    return np.stack([(np.where(absent, median, score) - median) / scale, absent], axis=1)
