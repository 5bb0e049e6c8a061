"""A quantity at several times ahead: a column for each bin of equal width after the prediction, "HEART_RATE +5s", "+10s", …

A bin is open where it begins and closed where it ends, so that what happens at the very prediction belongs to the inputs. The
name of a column says when its bin ends, counted from the prediction, in the unit that the study says `every` in. A bin in which
nothing was measured, or that the record does not last to the end of, is not known.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError
from sequela.study import cut
from sequela.study.cut import ALWAYS, Timeline
from sequela.study.records import Records, matching
from sequela.types import Array, Cohort, Target

MOST = 1000  # bins
_NAME = re.compile(r"^(.+) \+(\d+(?:\.\d+)?(?:us|ms|s|min|h|d|w|mo|y))$")
_EXAMPLE = 'code = "HEART_RATE", within = "60s", every = "5s", value = "mean"'


def check(outcome: config.Outcome) -> None:
    """Raises ConfigError for an outcome that says no quantity at several times ahead, or says more than that."""
    given = {name: getattr(outcome, name) for name in ("code", "within", "every", "value", "gap")}
    if outcome != config.Outcome(**given):
        raise ConfigError("the outcome of a forecast is a code, within, every, value and gap, and no more", hint=_EXAMPLE)
    missing = [name for name in ("code", "within", "every", "value") if not given[name]]
    if missing:
        raise ConfigError(f"outcome.{missing[0]} is missing: what is forecast, how far and how often?", hint=_EXAMPLE)
    if outcome.within == "stay":
        raise ConfigError('a forecast reaches a fixed time ahead, not to the end of a "stay"', hint=_EXAMPLE)
    within, every = config.microseconds(outcome.within), config.microseconds(outcome.every or "0s")
    if every <= 0 or within <= 0 or within % every or within // every > MOST or config.microseconds(outcome.gap) < 0:
        raise ConfigError(
            f"outcome.within = {outcome.within!r} is not one to {MOST} times outcome.every = {outcome.every!r}, after a gap",
            hint=_EXAMPLE,
        )


def names(outcome: config.Outcome) -> tuple[str, ...]:
    """The columns: of the first code each bin in order, then of the next code.

    >>> names(config.Outcome(code="HR", within="1min", every="30s", gap="10s"))
    ('HR +40s', 'HR +70s')
    """
    unit = (outcome.every or "").lstrip("0123456789.")
    ends = (_edges(outcome)[1:] / config.microseconds(f"1{unit}")).tolist()
    return tuple(f"{code} +{end:.12g}{unit}" for code in _codes(outcome) for end in ends)


def taken_apart(name: str) -> tuple[str, float]:
    """The code of a column, and how many seconds after the prediction its bin ends; ("", NaN) of another name.

    >>> taken_apart("HEART_RATE +5s")
    ('HEART_RATE', 5.0)
    """
    match = _NAME.match(name)
    return (match[1], config.microseconds(match[2]) / 1e6) if match else ("", float("nan"))


def read(store: Records, outcome: config.Outcome, rows: Cohort) -> Target:
    """The forecasts' truth of these rows. Raises ConfigError as `check`, and where the rows have no time."""
    check(outcome)
    if len(rows) and np.isnat(rows.time).all():
        raise ConfigError("a forecast needs rows with a time", hint="name an index event, not SAMPLE")
    edges = cut.microseconds_of(rows.time)[:, None] + _edges(outcome)
    each = [_bins(_measured(store, code), rows.subject_id, edges, outcome.value) for code in _codes(outcome)]
    values = np.concatenate(each, 1)
    whole = np.tile(_followed_until(store, rows)[:, None] >= edges[:, 1:], (1, len(each)))
    known = ~np.isnan(values) & whole
    return Target(np.where(known, values, 0.0), known, names(outcome))


def _codes(outcome: config.Outcome) -> list[str]:
    return [outcome.code] if isinstance(outcome.code, str) else list(outcome.code)


def _edges(outcome: config.Outcome) -> Array:
    """Where the bins begin and end, int64 "K+1" in microseconds after the prediction."""
    every = config.microseconds(outcome.every or "0s")
    return config.microseconds(outcome.gap) + every * np.arange(config.microseconds(outcome.within) // every + 1)


def _measured(store: Records, code: str) -> Timeline:
    return cut.timeline(store.events(matching(store, code)).filter(pl.col("numeric_value").is_finite()))


def _bins(line: Timeline, subject: Array, edges: Array, which: str) -> Array:
    """That number of the events in each bin, float64 "N K"; NaN where there are none."""
    rows, bins = len(edges), edges.shape[1] - 1
    after = np.stack([line.after(subject, edge) for edge in edges.T], 1)
    owner, place = cut.spread(after[:, :-1].ravel(), after[:, 1:].ravel())
    number = line.events["numeric_value"].cast(pl.Float64)[place]
    found = pl.DataFrame({"bin": owner, "number": number}).group_by("bin").agg(getattr(pl.col("number"), which)())
    values = np.full(rows * bins, np.nan)
    values[found["bin"].to_numpy()] = found["number"].to_numpy()
    return values.reshape(rows, bins)


def _followed_until(store: Records, rows: Cohort) -> Array:
    """The time of each row's subject's last event of any kind."""
    line = cut.timeline(store.events().select("subject_id", "time"))
    return line.at(line.last_known(rows.subject_id, np.full(len(rows), ALWAYS)))
