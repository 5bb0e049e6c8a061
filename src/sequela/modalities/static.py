"""What does not change in a patient (age, sex, kind of ward) as one step of numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
import polars as pl

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import DataError
from sequela.modalities._synthetic import Held, events
from sequela.prep import scale, statics
from sequela.types import Array, Known, Plain, Ragged, Spec

ELAPSED = "ELAPSED"  # days since the index event: the landmark, where a subject is asked about again and again


class Config(Strict, frozen=True):
    codes: tuple[str, ...] = ()  # left out: all of the kind static
    scale: scale.Method = "rank_gauss"  # of numbers; text is one-hot
    clip: float = 3.0  # largest absolute scaled number; 0: none
    elapsed: bool = False  # and ELAPSED, the days from the index event to the prediction


class State(msgspec.Struct, frozen=True, kw_only=True):
    statics: list[statics.Static]


@dataclass(frozen=True, slots=True)
class StaticInput:
    config: Config

    def fit(self, known: Known) -> State:
        """Scales and categories of the training rows.

        Raises DataError where none of them has any of the codes.
        """
        codes = list(self.config.codes) or sorted(code for code, kind in known.kinds.items() if kind == "static")
        beside = [ELAPSED] if self.config.elapsed else []
        found = statics.fit(self._known(known), codes + beside, self.config.scale, clip=self.config.clip)
        if not found:
            raise DataError(
                f"no training row has any of the {len(codes)} static codes", hint="name others, or leave the input out"
            )
        return State(statics=found)

    def read(self, known: Known, state: State) -> Ragged:
        """One step a row of scaled numbers, one-hot text and missing flags; a row of which nothing is known has none."""
        values, seen = statics.encode(self._known(known), state.statics)
        some = seen.any(1)
        offsets = np.concatenate([[0], np.cumsum(some)])
        return Ragged(offsets, values[some], np.zeros(int(some.sum())), seen[some])

    def plain(self, known: Known, state: State) -> Plain:
        return statics.plain(self._known(known), state.statics)

    def _known(self, known: Known) -> Known:
        """With the time elapsed among the events, where it is asked for and the rows have an index event."""
        return _timed(known, known.start) if self.config.elapsed and known.start is not None else known

    def spec(self, state: State) -> Spec:
        names = statics.names(state.statics)
        return Spec("static", (len(names),), "index", names, single=True, rulers=statics.rulers(state.statics))

    def example(self, state: State, rows: int, seed: int) -> Known:
        drawn = statics.synthetic(state.statics, rows, streams.generator(seed, "example", "static"))
        position = [float("nan")] * len(drawn["row"])
        found = events({**drawn, "position": position}).sort("row", maintain_order=True)
        return Known(rows, found, Held({}), {static.code: "static" for static in state.statics}, np.full(rows, np.nan))


def _timed(known: Known, start: Array) -> Known:
    """With an event for each row whose index event has a time."""
    rows = np.flatnonzero(np.isfinite(start))
    told = {"row": rows, "position": np.full(len(rows), np.nan), "code": [ELAPSED] * len(rows), "numeric_value": -start[rows]}
    return replace(known, source=pl.concat([known.events, events(told)], how="vertical_relaxed"))


def build(config: Config) -> StaticInput:
    return StaticInput(config)
