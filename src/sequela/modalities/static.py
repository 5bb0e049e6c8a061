"""What does not change in a patient (age, sex, kind of ward) as one step of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import DataError
from sequela.modalities._synthetic import Held, events
from sequela.prep import scale, statics
from sequela.types import Known, Plain, Ragged, Spec


class Config(Strict, frozen=True):
    codes: tuple[str, ...] = ()  # left out: all of the kind static
    scale: scale.Method = "rank_gauss"  # of numbers; text is one-hot
    clip: float = 3.0  # largest absolute scaled number; 0: none


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
        found = statics.fit(known, codes, self.config.scale, clip=self.config.clip)
        if not found:
            raise DataError(
                f"no training row has any of the {len(codes)} static codes", hint="name others, or leave the input out"
            )
        return State(statics=found)

    def read(self, known: Known, state: State) -> Ragged:
        """One step a row of scaled numbers, one-hot text and missing flags; a row of which nothing is known has none."""
        values, seen = statics.encode(known, state.statics)
        some = seen.any(1)
        offsets = np.concatenate([[0], np.cumsum(some)])
        return Ragged(offsets, values[some], np.zeros(int(some.sum())), seen[some])

    def plain(self, known: Known, state: State) -> Plain:
        return statics.plain(known, state.statics)

    def spec(self, state: State) -> Spec:
        names = statics.names(state.statics)
        return Spec("static", (len(names),), "index", names, single=True)

    def example(self, state: State, rows: int, seed: int) -> Known:
        drawn = statics.synthetic(state.statics, rows, streams.generator(seed, "example", "static"))
        position = [float("nan")] * len(drawn["row"])
        found = events({**drawn, "position": position}).sort("row", maintain_order=True)
        return Known(rows, found, Held({}), {static.code: "static" for static in state.statics}, np.full(rows, np.nan))


def build(config: Config) -> StaticInput:
    return StaticInput(config)
