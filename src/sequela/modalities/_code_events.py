"""The events whose codes a study takes, as integers: once each where many rows share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import polars as pl

from sequela.modalities._visits import Events
from sequela.prep.vocabulary import Coded
from sequela.study.records import fits
from sequela.types import DAY, NEVER, Array, Known, Shared

TAKEN = frozenset({"event", "measurement"})  # the kinds that are taken where no code is named
BIRTH = "MEDS_BIRTH"  # an event that is no part of a history: age tells it


class Wanted:
    """Patterns of codes to take, and to leave out; none to take: all of the kinds TAKEN but BIRTH. A name is judged once."""

    def __init__(self, codes: Sequence[str], exclude: Sequence[str]) -> None:
        self._codes, self._exclude = codes, exclude
        self._judged: dict[tuple[str, str], bool] = {}
        self._listed: _Listed | None = None

    def __call__(self, name: str, kind: str) -> bool:
        """Whether the code of that name and kind is taken."""
        key = name, kind
        if key not in self._judged:
            self._judged[key] = self._taken(name, kind)
        return self._judged[key]

    def among(self, dtype: pl.Enum, kinds: Mapping[str, str]) -> _Listed:
        """Those of a store's codes that are taken; asked again of the same store, the very same."""
        found = self._listed
        if found is None or found.kinds is not kinds or found.dtype != dtype:
            self._listed = found = _Listed(dtype, kinds, *self._numbers(dtype.categories.to_list(), kinds))
        return found

    def _numbers(self, names: Sequence[str], kinds: Mapping[str, str]) -> tuple[list[str], Array]:
        kept = np.array([self._taken(name, kinds.get(name, "")) for name in names], bool)
        return list(compress(names, kept)), np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)

    def _taken(self, name: str, kind: str) -> bool:
        taken = any(fits(name, one) for one in self._codes) if self._codes else kind in TAKEN and name != BIRTH
        return taken and not (self._exclude and any(fits(name, one) for one in self._exclude))


@dataclass(frozen=True, slots=True)
class _Listed:
    """The codes of a store that are taken: their names, and of each code which of them it is, int32; -1 where it is none."""

    dtype: pl.Enum
    kinds: Mapping[str, str]
    names: list[str]
    number: Array


@dataclass(frozen=True, slots=True)
class Taken:
    """The events taken, and which row knows which."""

    events: Events
    coded: Coded


@dataclass(frozen=True, slots=True)
class _Shared:
    """Positions worked out only where they are asked for (_visits.Clock)."""

    time: Array
    high: Array
    row: Array
    place: Array

    def __getitem__(self, pairs: Array, /) -> Array:
        since, until = self.time[self.place[pairs]], self.high[self.row[pairs]]
        return np.where((since == NEVER) | (until == NEVER), np.nan, (since - until) / DAY)


def taken(known: Known, wanted: Wanted) -> Taken:
    """The events of the wanted codes."""
    frame = known.events if known.shared is None else known.shared.events
    names, code = _numbered(frame["code"], wanted, known.kinds)
    return _of_frame(frame, names, code) if known.shared is None else _of_shared(known.shared, names, code)


def _numbered(codes: pl.Series, wanted: Wanted, kinds: Mapping[str, str]) -> tuple[list[str], Array]:
    """The wanted names (at least those that occur), and which of them each event is, int32 "E"; -1 where it is none."""
    if isinstance(codes.dtype, pl.Enum):
        listed = wanted.among(codes.dtype, kinds)
        return listed.names, listed.number[codes.to_physical().to_numpy()]
    physical = codes.cast(pl.Categorical)
    each = physical.unique()
    names = each.cast(pl.String).to_list()
    kept = np.array([wanted(name, kinds.get(name, "")) for name in names], bool)
    number = each.to_physical().to_numpy()
    table = np.full(int(number.max(initial=0)) + 1, -1, np.int32)
    table[number[kept]] = np.arange(int(kept.sum()))
    return list(compress(names, kept)), table[physical.to_physical().to_numpy()]


def _of_shared(shared: Shared, names: Sequence[str], code: Array) -> Taken:
    frame, time, row, event = shared.events.select("visit", "numeric_value"), shared.time, shared.row, shared.place
    here = code >= 0
    if not here.all():
        pairs = np.flatnonzero(here[event])
        row, event = row[pairs], (np.cumsum(here) - 1)[event[pairs]]
        frame, time, code = frame.filter(pl.Series(here)), time[here], code[here]
    events = Events(row, event, _Shared(time, shared.high, row, event), _steps(frame["visit"], time))
    return Taken(events, Coded(names, code, _numbers(frame)))


def _of_frame(frame: pl.DataFrame, names: Sequence[str], code: Array) -> Taken:
    frame, code = frame.filter(pl.Series(code >= 0)), code[code >= 0]
    position = frame["position"].to_numpy() + 0.0  # one zero only
    step = _steps(frame["visit"], np.where(np.isnan(position), 1.0, position).view(np.int64))
    return Taken(Events(frame["row"].to_numpy(), np.arange(len(frame)), position, step), Coded(names, code, _numbers(frame)))


def _steps(visit: pl.Series, moment: Array) -> Array:
    """What is equal for the events of one visit of a subject, even; or of one moment where they belong to none, odd: int64."""
    if visit.null_count() == len(visit):
        return moment * 2 + 1
    own: Array = visit.fill_null(0).to_numpy() * 2
    return np.where(visit.is_null().to_numpy(), moment * 2 + 1, own) if visit.null_count() else own


def _numbers(frame: pl.DataFrame) -> Array:
    """numeric_value as float32, NaN where there is none."""
    return frame["numeric_value"].cast(pl.Float32).fill_null(float("nan")).to_numpy()


def born(known: Known, code: str) -> Array:
    """Days between each row's prediction and birth, <= 0, float64 "N"; NaN where it is not known.

    From the latest AGE (years at its time), or from the event BIRTH.
    """
    day = np.full(known.count, np.nan)
    row, position, value = _of_code(known, code)
    told = np.isfinite(value) | (code == BIRTH)
    since = position if code == BIRTH else np.nan_to_num(position, nan=0.0) - value * 365.25
    day[row[told]] = since[told]  # of several the latest, since they are in order
    return day


def _of_code(known: Known, code: str) -> tuple[Array, Array, Array]:
    """Row, position and number of each event of one code."""
    if known.shared is None:
        frame = known.events.filter(pl.col("code") == code)
        return frame["row"].to_numpy(), frame["position"].to_numpy(), _numbers(frame).astype(np.float64)
    shared = known.shared
    here = (shared.events["code"] == code).to_numpy()
    pairs = np.flatnonzero(here[shared.place])
    row, place = shared.row[pairs], shared.place[pairs]
    position = _Shared(shared.time, shared.high, shared.row, shared.place)[pairs]
    return row, position, _numbers(shared.events.select("numeric_value")[place]).astype(np.float64)
