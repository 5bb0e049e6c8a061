"""Single channels and codes: each absent altogether, and those that matter most recorded in another unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sequela.evaluate.robustness import kinds, numbers, payloads
from sequela.evaluate.robustness.facts import Alone
from sequela.pipeline.trust.robust.work import Work
from sequela.types import Array, Known

CODES = 40  # at most, the commonest
MIXED = 8  # of them, those that matter most, in other units
ROWS = 250  # at most


@dataclass(frozen=True, slots=True)
class Channel:
    """One that can be spoilt alone."""

    name: str
    rows: Array  # that have it
    place: int = -1  # of a signal: which of its channels; -1: a code

    def absent(self, known: Known, seed: int) -> Known:
        return numbers.without(known, self.name) if self.place < 0 else payloads.spoilt(known, payloads.flat(self.place), seed)


def channels(work: Work) -> list[Alone]:
    """Every channel or code absent altogether, the worst first."""
    found = [_alone(work, one.name, one.rows, "absent", one.absent(work.known, work.seed)) for one in _each(work)]
    return sorted(found, key=_badness)


def _each(work: Work) -> Iterator[Channel]:
    held = kinds.materials(work.specs)
    if held & {"numbers", "codes"}:
        for code, rows in numbers.read_codes(work.asking.predictor.fitted, work.known)[:CODES]:
            yield Channel(code, rows)
    if "signals" in held:
        rows, names = _signals(work.known)
        for place, name in enumerate(names):
            yield Channel(name, rows, place)


def _signals(known: Known) -> tuple[Array, Sequence[str]]:
    """The rows with a signal, and its channels' names."""
    events = known.events.drop_nulls("payload")
    names = known.payloads.open(events["payload"][0]).channels if len(events) else ()
    return events["row"].unique().sort().to_numpy(), names


def units(work: Work, channels: Sequence[Alone]) -> list[Alone]:
    """Of the numbers that matter most every mix-up of units, of signals their gain; the worst first."""
    known = work.known
    numeric = set(known.events.drop_nulls("numeric_value")["code"].unique().to_list())
    having = {one.name: one.rows for one in _each(work) if one.place < 0}
    named = [one.name for one in channels if one.name in having and one.name in numeric][:MIXED]
    found = [
        _alone(work, code, having[code], how.name, numbers.mixed_up(known, code, how))
        for code in named
        for how in numbers.mix_ups(code)
    ]
    if "signals" in kinds.materials(work.specs):
        rows, _ = _signals(known)
        spoilt = {f"×{factor:g}": payloads.spoilt(known, payloads.gained(factor), work.seed) for factor in numbers.FACTORS}
        found += [_alone(work, "signal", rows, how, gained) for how, gained in spoilt.items()]
    return sorted(found, key=_badness)


def _alone(work: Work, name: str, having: Array, how: str, known: Known) -> Alone:
    """Only rows that have it are asked again; of the others is said what was."""
    few = work.whole.rows[:ROWS]
    changed = np.intersect1d(having, few)
    said = work.asking.said(known, changed, beside=False)
    again = np.intersect1d(said.rows, few)
    rows = np.union1d(np.setdiff1d(few, changed), again)
    before = work.taken(work.whole, work.final, rows)
    values = before.values.copy()
    if len(again):
        values[np.searchsorted(rows, again)] = work.taken(said, work.final, again).values
    refused = len(changed) - len(again)
    point = work.judge.point(1.0, work.final, work.cohort.take(rows), before, replace(before, values=values), refused)
    return Alone(name=name, having=len(changed), how=how, point=point)


def _badness(one: Alone) -> tuple[float, float, float, str]:
    """Refused rows first, then the largest share of flipped calls, then the largest change of the answer."""
    return -one.point.refused, -(one.point.flipped.value or 0.0), -(one.point.moved or 0.0), one.name + one.how
