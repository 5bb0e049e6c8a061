"""Events with numbers, spoilt as records are. One seed spoils the same events, and a higher level those of a lower one too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela import seed as streams
from sequela import units
from sequela.contracts import Fitted
from sequela.prep.scale import Scale
from sequela.types import Array, Known

TOLD = ("measurement", "static", "event")  # kinds of codes whose events are spoilt
HUGE = 1e30
FACTORS = (10.0, 1000.0)  # of a slip of the point, or of a prefix


@dataclass(frozen=True, slots=True)
class MixUp:
    """A number recorded in another unit than it is read in: value * factor + offset."""

    name: str
    factor: float
    offset: float = 0.0


def hidden(known: Known, share: float, seed: int) -> Known:
    """Without that share of the events, drawn one by one."""
    return _with(known, known.events.filter(~(_told(known) & (_draw(known, seed) < share))))


def without(known: Known, code: str) -> Known:
    """As if that code had never been recorded."""
    return _with(known, known.events.filter(pl.col("code") != code))


def noisy(known: Known, spreads: Mapping[str, float], level: float, seed: int) -> Known:
    """Every number moved at random, by so many spreads of its code."""
    events = known.events
    spread = pl.col("code").replace_strict(dict(spreads), default=0.0, return_dtype=pl.Float64)
    moved = pl.Series("_noise", streams.generator(seed, "noise").normal(size=len(events)))
    value = (pl.col("numeric_value") + moved * spread * level).cast(pl.Float32)
    return _with(known, events.with_columns(pl.when(_told(known)).then(value).otherwise("numeric_value").alias("numeric_value")))


def thinned(known: Known, every: float) -> Known:
    """Of the moments of each row every so-many-th alone, counted back from the last."""
    timed = _told(known) & pl.col("position").is_not_nan()
    moment = pl.when(timed).then("position").rank("dense", descending=True).over("row")
    return _with(known, known.events.filter(~timed | ((moment - 1) % int(every) == 0)))


def cut_short(known: Known, share: float, *, end: bool) -> Known:
    """Of the time from each row's first event to its prediction that share alone: its end, or its beginning."""
    timed = _told(known) & pl.col("position").is_not_nan()
    first = pl.when(timed).then("position").min().over("row")
    kept = pl.col("position") >= first * share if end else pl.col("position") <= first * (1 - share)
    return _with(known, known.events.filter(~timed | kept))


def mixed_up(known: Known, code: str, how: MixUp) -> Known:
    """That code as if it had come in another unit."""
    value = (pl.col("numeric_value") * how.factor + how.offset).cast(pl.Float32)
    own = pl.col("code") == code
    return _with(known, known.events.with_columns(pl.when(own).then(value).otherwise("numeric_value").alias("numeric_value")))


def mix_ups(code: str) -> list[MixUp]:
    """What may happen to a code: the units that its quantity also comes in (units.py), and slips by 10 and 1000."""
    quantity = units.quantity(code.rpartition("//")[2])
    known = {} if quantity is None else units.QUANTITIES[quantity].units
    found = [
        MixUp(f"recorded in {name}", 1 / how.factor, -how.offset / how.factor)
        for name, how in known.items()
        if (how.factor, how.offset) != (1.0, 0.0)
    ]
    return _different([*found, *(MixUp(f"×{factor:g}", factor) for factor in FACTORS)])


def _different(those: Sequence[MixUp]) -> list[MixUp]:
    """Without those that do the same as one before them."""
    seen: dict[tuple[float, float], MixUp] = {}
    for one in those:
        seen.setdefault((float(f"{one.factor:.4g}"), float(f"{one.offset:.4g}")), one)
    return list(seen.values())


def garbled(known: Known, share: float, seed: int) -> Known:
    """That share of the events as a broken interface sends them: no number, an infinite or a huge one, or words."""
    events = known.events
    hit = _told(known) & (_draw(known, seed) < share)
    which = pl.Series("_which", streams.generator(seed, "garbled").integers(0, 4, len(events)))
    bad = pl.Series("_bad", np.array([np.nan, np.inf, HUGE, np.nan], np.float32)[which.to_numpy()])
    words = pl.when(hit & (which == 3)).then(pl.lit("#VALUE!")).otherwise("text_value")
    number = pl.when(hit).then(bad).otherwise("numeric_value")
    return _with(known, events.with_columns(number.alias("numeric_value"), words.alias("text_value")))


def codes(known: Known) -> list[tuple[str, Array]]:
    """Every code that may be spoilt with the rows (indices) that have it; the commonest first."""
    found = known.events.filter(_told(known)).group_by("code").agg(pl.col("row").unique().sort())
    ordered = sorted(found.iter_rows(), key=lambda one: (-len(one[1]), one[0]))
    return [(code, np.array(rows, np.int64)) for code, rows in ordered]


def read_codes(fitted: Mapping[str, Fitted], known: Known) -> list[tuple[str, Array]]:
    """Those of the codes that an input says it reads; all, where an input reads whatever there is."""
    states = [one.state for one in fitted.values() if one.spec.kind in ("measurements", "static")]
    named = {code for state in states for code, _ in _scales(state)} | {code for state in states for code in _categories(state)}
    every = any(one.spec.kind not in ("measurements", "static") for one in fitted.values())
    return [(code, rows) for code, rows in codes(known) if every or code in named]


def spreads(fitted: Mapping[str, Fitted], known: Known) -> dict[str, float]:
    """The spread of each code in training as the inputs learnt it; of a code that none of them scales, that of these rows."""
    own = known.events.filter(_told(known) & pl.col("numeric_value").is_finite()).group_by("code")
    found = {code: float(spread or 0.0) for code, spread in own.agg(pl.col("numeric_value").std()).iter_rows()}
    learnt = {code: float(np.std(scale.quantiles)) for one in fitted.values() for code, scale in _scales(one.state)}
    return found | learnt


def _scales(state: object) -> Iterator[tuple[str, Scale]]:
    """The codes that a fitted input scales, each with its scale."""
    for field in ("features", "statics", "context"):
        for one in getattr(state, field, ()):
            scale = getattr(one, "scale", None) or getattr(one, "number", None)
            if isinstance(scale, Scale):
                yield one.code, scale


def _categories(state: object) -> Iterator[str]:
    for field in ("statics", "context"):
        yield from (one.code for one in getattr(state, field, ()))


def _told(known: Known) -> pl.Expr:
    return pl.col("code").is_in([code for code, kind in known.kinds.items() if kind in TOLD])


def _draw(known: Known, seed: int) -> pl.Series:
    """A number between 0 and 1 for each event: an event that a level spoils is spoilt by every higher one."""
    return pl.Series("_draw", streams.generator(seed, "events").random(len(known.events)))


def _with(known: Known, events: pl.DataFrame) -> Known:
    return replace(known, source=events)
