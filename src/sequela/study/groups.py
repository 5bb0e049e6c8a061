"""The groups that a report looks at apart: a static code as it is, a number cut into bands, or the time since the index event."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.residues import record
from sequela.study import labels
from sequela.study.cut import Timeline
from sequela.types import DAY, NEVER, Array

LEAST_OF_NUCLEOTIDES = 0.75  # identity: strands that have nothing in common are alike by half
AGE_BANDS = [45.0, 65.0, 80.0]  # years: the bands of "age_band" where a study gives none


def declared(given: str | config.Group) -> config.Group:
    """A group with its code and bands filled in: "sex" reads SEX, "age_band" reads AGE in AGE_BANDS.

    Raises ConfigError for bands that are asked for by name and not given.
    """
    group = config.Group(name=given) if isinstance(given, str) else given
    if group.elapsed:
        return _landmark(group)
    if group.sequence or group.by:
        return _of_sequences(group)
    banded = group.name.endswith("_band")
    code = group.code or group.name.removesuffix("_band").upper()
    bands = group.bands or (AGE_BANDS if banded and code == "AGE" else [])
    if banded and not bands:
        raise ConfigError(f"the group {group.name!r} has no bands", hint=f'write {{ name = "{group.name}", bands = [1.0, 2.0] }}')
    _check_bands(group.name, bands)
    return config.Group(name=group.name, code=code, bands=bands)


def _landmark(group: config.Group) -> config.Group:
    """Raises ConfigError where a group of the time elapsed has a code too, or bands that do not rise."""
    if group.code:
        raise ConfigError(
            f"the group {group.name!r} has a code beside elapsed, the time from the index event", hint="leave out one of them"
        )
    _check_bands(group.name, group.bands)
    return group


def _of_sequences(group: config.Group) -> config.Group:
    """Raises ConfigError for a group of sequences that does not say which, by what, or from which identity on."""
    if not group.sequence or not group.by or group.code or group.bands:
        raise ConfigError(
            f"the group {group.name!r} does not say which sequences are to be grouped, and by what",
            hint=f'write {{ name = "{group.name}", sequence = "protein", by = "kmers", identity = 0.4 }}, without code and bands',
        )
    aligned = group.by in ("kmers", "mmseqs")
    if aligned and group.identity is None:
        raise ConfigError(
            f"the group {group.name!r}, by {group.by}, needs an identity: the share of letters that makes two alike",
            hint=f"identity = 0.5 of proteins, {LEAST_OF_NUCLEOTIDES} or more of DNA and RNA",
        )
    if not aligned and group.identity is not None:
        raise ConfigError(f"the group {group.name!r}, by {group.by}, takes no identity", hint="it is of kmers and mmseqs alone")
    return msgspec.structs.replace(group, code=record.code(group.sequence))


def _check_bands(name: str, bands: list[float]) -> None:
    if sorted(set(bands)) != bands:
        raise ConfigError(f"the bands of the group {name!r} do not rise", hint="write them from low to high, each once")


def check(group: config.Group, codes: list[str]) -> None:
    """Raises ConfigError, with the nearest code, where no event could ever tell the group."""
    if group.code not in codes:
        raise ConfigError(
            f"the group {group.name!r} needs the code {group.code!r}, which the data does not have",
            hint=nearest(group.code, codes),
        )


def column(group: config.Group, line: Timeline, place: Array) -> Array:
    """The group of N rows as text, "" where unknown; `place` is each row's event of the code in the timeline, -1 for none."""
    found = line.events[np.maximum(place, 0)] if len(line.events) else line.events.clear(len(place))
    text = banded(found["numeric_value"], group.bands) if group.bands else labels.raw(found).fill_null("")
    return np.where(place >= 0, text.to_numpy().astype(str), "")


def banded(number: pl.Series, bands: list[float]) -> pl.Series:
    """Each number's band as text: "<45", "45-65", ">=80"; "" where there is no number."""
    edges = [f"{edge:g}" for edge in bands]
    names = [f"<{edges[0]}", *(f"{low}-{high}" for low, high in pairwise(edges)), f">={edges[-1]}"]
    value = number.cast(pl.Float64).fill_null(np.nan).to_numpy()
    band = np.array(names)[np.searchsorted(bands, value, side="right") % len(names)]
    return pl.Series(np.where(np.isnan(value), "", band))


def elapsed(group: config.Group, start: Array, time: Array) -> Array:
    """How long after its index event each row is predicted (both in microseconds), as text; "" of a row without time.

    With bands, that of its days; else in the largest unit of which it is a whole number.
    """
    lacking = (start == NEVER) | (time == NEVER)
    gone = np.where(lacking, 0, time - np.where(lacking, 0, start))
    if group.bands:
        told = banded(pl.Series(gone / DAY), group.bands).to_numpy()
    else:
        each, place = np.unique(gone, return_inverse=True)
        told = np.array([_duration(one) for one in each.tolist()], str)[place]
    return np.where(lacking, "", told.astype(str))


_WHOLE = {"y": 365.25, "mo": 30.4375, "w": 7.0, "d": 1.0, "h": 1 / 24, "min": 1 / 1440}  # days


def _duration(microseconds: int) -> str:
    """A duration as a study writes it.

    >>> _duration(3 * 31_557_600_000_000), _duration(14 * DAY), _duration(DAY + DAY // 3), _duration(0)
    ('3y', '2w', '32h', '0d')
    """
    for unit, days in _WHOLE.items() if microseconds else ():
        if microseconds % round(days * DAY) == 0:
            return f"{microseconds // round(days * DAY)}{unit}"
    return f"{microseconds / DAY:g}d"
