"""Whether quantities are put into their order: of two rows with different truths, whether the larger is said to be larger."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sequela.evaluate.question import Question
from sequela.metrics import concordance
from sequela.metrics.concordance import Pairs
from sequela.types import Array, Times

MOST = 20_000  # rows of which every pair is compared


@dataclass(frozen=True)
class Order:
    """What is said of some rows, and what is true: the concordance index of quantities, as of times without censoring."""

    value: Array  # float64 "N"
    truth: Array

    @cached_property
    def pairs(self) -> Pairs:
        """All pairs of rows with different truths: the smaller truth is the earlier time."""
        count = len(self.truth)
        return concordance.paired(
            concordance.fixed(-self.value), Times(self.truth, np.ones(count, np.int64), np.zeros(count), ()), 1
        )

    def __call__(self, weights: Array | None) -> Array:
        if len(self.truth) > MOST:
            return np.full(() if weights is None else weights.shape[:-1], np.nan)
        return self.pairs.harrell(weights)


def question(model: str, class_: str, rows: Array, value: Array, truth: Array, reason: str) -> Question:
    """The question of the order of these rows; `reason`: why it is undefined, where it is."""
    many = f"not asked of more than {MOST} rows" if len(rows) > MOST else ""
    return Question(model, "c_index", class_, rows, Order(value, truth), reason=reason or many)
