"""The groups that a report looks at apart: a static code as it is, or a number cut into bands."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.study import labels
from sequela.study.cut import Timeline
from sequela.types import Array

AGE_BANDS = [45.0, 65.0, 80.0]  # years: the bands of "age_band" where a study gives none


def declared(given: str | config.Group) -> config.Group:
    """A group with its code and bands filled in: "sex" reads SEX, "age_band" reads AGE in AGE_BANDS.

    Raises ConfigError for bands that are asked for by name and not given.
    """
    group = config.Group(name=given) if isinstance(given, str) else given
    banded = group.name.endswith("_band")
    code = group.code or group.name.removesuffix("_band").upper()
    bands = group.bands or (AGE_BANDS if banded and code == "AGE" else [])
    if banded and not bands:
        raise ConfigError(f"the group {group.name!r} has no bands", hint=f'write {{ name = "{group.name}", bands = [1.0, 2.0] }}')
    if sorted(set(bands)) != bands:
        raise ConfigError(f"the bands of the group {group.name!r} do not rise", hint="write them from low to high, each once")
    return config.Group(name=group.name, code=code, bands=bands)


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
