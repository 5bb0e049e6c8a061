"""How often each cause came by each time in train (Aalen and Johansen 1978): a curve that knows no input.

With one cause it is Kaplan and Meier's (1958). Times count from each row's own prediction, and rows that came under observation
later are at risk from then on. Rows of several landmarks go into one curve; `by` names plain columns of few values (the landmark,
the treatment), each of whose combinations has a curve of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela.baselines import _incidence, _lifetimes, _problem
from sequela.baselines._lifetimes import Clock, Lifetimes
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Plain


class Config(Strict, frozen=True):
    by: tuple[Name, ...] = ()  # plain columns, by pattern: a curve for each combination of their values; none: one for all
    least: Annotated[int, Meta(ge=1)] = 20  # a combination of fewer rows, or of none, has the curve of all


@dataclass(frozen=True, slots=True)
class _Fitted:
    names: tuple[str, ...]
    inputs: tuple[str, ...]
    by: tuple[str, ...]  # the columns that tell groups apart
    clock: Clock
    groups: Array  # float64 "M B": the values of each group
    incidence: Array  # float64 "M+1 K G": of each group, then of all


class AalenJohansen:
    """Gives every row of a group the same curves."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Counts the training rows; nothing is chosen on tune. Raises DataError as `_lifetimes.read` does."""
        learnt, _ = _lifetimes.read(train, tune, kind, "aalen_johansen")
        clock, plain = _lifetimes.clock(learnt.times), _problem.of_inputs(train.plain)
        by = _problem.of_inputs(train.plain, self._config.by).names if self._config.by else ()
        values = _values(plain, by)[learnt.rows]
        groups, place, count = np.unique(values, axis=0, return_inverse=True, return_counts=True)
        kept = np.flatnonzero(count >= self._config.least) if by else np.zeros(0, np.int64)
        members = [np.flatnonzero(place.ravel() == group) for group in kept.tolist()]
        curves = [_curve(learnt, rows, clock) for rows in (*members, np.arange(len(values)))]
        self._fitted = _Fitted(train.target.names, plain.columns, by, clock, groups[kept], np.stack(curves))

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        plain = _problem.same_columns(rows.plain, fitted.inputs)
        return fitted.clock.answer(fitted.incidence[_groups(_values(plain, fitted.by), fitted.groups)], fitted.names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {}

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        told = {"by": np.array([fitted.inputs.index(name) for name in fitted.by], np.int64)} if fitted.by else {}
        groups = {"groups": fitted.groups} if len(fitted.groups) else {}
        return {**fitted.clock.arrays(), **told, **groups, "incidence": fitted.incidence}

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> AalenJohansen:
    """The fitted baseline again: `names` of the target, `inputs` the names of the plain columns."""
    by = tuple(inputs[column] for column in np.asarray(arrays.get("by", ())).astype(np.int64).tolist())
    groups = np.asarray(arrays.get("groups", np.zeros((0, len(by)))))
    baseline = AalenJohansen(Config())
    baseline._fitted = _Fitted(names, inputs, by, _lifetimes.clock_of(arrays), groups, np.asarray(arrays["incidence"]))
    return baseline


def _curve(learnt: Lifetimes, rows: Array, clock: Clock) -> Array:
    times = learnt.times.take(rows)
    if not (times.cause > 0).any():
        return np.zeros((learnt.causes, len(clock.grid)))
    return _incidence.aalen_johansen(times, learnt.causes, clock.grid)


def _values(plain: Plain, by: tuple[str, ...]) -> Array:
    """These columns, float64 "N B", with a number in place of a value that is absent: absence is a group, too."""
    columns = plain.values[:, [plain.names.index(name) for name in by]].astype(np.float64)
    return np.where(np.isfinite(columns), columns, np.finfo(np.float64).min)


def _groups(values: Array, groups: Array) -> Array:
    """The group of each row; one past the last where it is of none."""
    same = (values[:, None] == groups[None]).all(2) if len(groups) else np.zeros((len(values), 0), bool)
    return np.asarray(np.where(same.any(1), same.argmax(1) if len(groups) else 0, len(groups)))


def build(config: Config) -> AalenJohansen:
    return AalenJohansen(config)
