"""The forecast that nothing changes: the last value seen of the quantity asked for, the training mean where none was.

Of a forecast it is said of every time ahead, each with the quantiles of its own training residuals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sequela.baselines import _problem, _residuals
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError, UsageError
from sequela.study import ahead
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    columns: tuple[str, ...] = ()  # the plain column for each quantity ("chart.HR.last"); left out: found by the quantity's name
    levels: tuple[float, ...] = _residuals.LEVELS  # of the quantiles of a forecast; a run sets those of its task


class LastValue:
    """Repeats what was seen last."""

    def __init__(self, config: Config) -> None:
        self._columns = config.columns
        self._around = _residuals.Residuals(config.levels)
        self._names: tuple[str, ...] = ()
        self._means: list[Array] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Finds the columns. Raises DataError where the task is no regression and no forecast, or no input holds the quantity."""
        if kind not in ("regression", "forecast"):
            raise DataError(f"the last value is no answer to a {kind} question")
        names = train.target.names
        if self._columns and len(self._columns) != len(names):
            raise UsageError(f"last_value has {len(self._columns)} columns, but the target has {len(names)} quantities")
        self._columns = self._columns or tuple(_found(ahead.taken_apart(name)[0] or name, train.plain.names) for name in names)
        self._means = [_problem.prior(problem) for problem in _problem.learnable(train.target, "regression")]
        self._names = names
        self._around.fit(kind, self.answer(train), train.target)

    def answer(self, rows: Evidence) -> Answer:
        if not self._means:
            raise DataError("this baseline has not been fitted")
        columns = [_column(rows, name) for name in self._columns]
        filled = [np.where(np.isnan(column), mean, column)[:, None] for column, mean in zip(columns, self._means, strict=True)]
        return self._around(_problem.answer("regression", self._names, filled))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"columns": list(self._columns)}


def _found(quantity: str, columns: Sequence[str]) -> str:
    """The one column input.QUANTITY.last."""
    fitting = [column for column in columns if column.partition(".")[2] == f"{quantity}.last"]
    if len(fitting) != 1:
        raise DataError(
            f"{len(fitting)} inputs have a last value of {quantity!r}, expected one",
            hint='say which with baselines.names = [{ name = "last_value", columns = ["input.CODE.last"] }]',
        )
    return fitting[0]


def _column(rows: Evidence, name: str) -> Array:
    if name not in rows.plain.names:
        raise DataError(f"there is no column {name!r} among the {len(rows.plain.names)} plain columns")
    return rows.plain.values[:, rows.plain.names.index(name)].astype(np.float64)


def build(config: Config) -> LastValue:
    return LastValue(config)
