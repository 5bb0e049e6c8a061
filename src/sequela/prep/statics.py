"""What is known of a patient as one row of numbers: age scaled, sex one-hot, and for each whether it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from sequela.prep import scale
from sequela.types import Array, Known, Plain, Ruler

RARE = 10  # a category met in fewer training rows is "other": too rare to learn from, and it might name someone


class Static(msgspec.Struct, frozen=True, kw_only=True):
    """One code: a number with its scale, or else text with its categories."""

    code: str
    share: float  # of the training rows that have it
    number: scale.Scale | None = None
    categories: list[str] = []  # sorted
    weights: list[float] = []  # share of each category, and of all others, among the training rows that have it

    @property
    def width(self) -> int:
        """How many columns it takes: a number and whether it is missing; or a column a category, other, missing."""
        return 2 if self.number else len(self.categories) + 2


def fit(known: Known, codes: Sequence[str], method: scale.Method, *, clip: float = 0.0) -> list[Static]:
    """Each code as it is among the training rows; a code that none of them has is left out."""
    latest = _latest(known, codes)
    found = [(code, latest.filter(pl.col("code") == code)) for code in codes]
    return [_static(code, rows, len(rows) / max(known.count, 1), method, clip) for code, rows in found if len(rows)]


def encode(known: Known, statics: Sequence[Static]) -> tuple[Array, Array]:
    """Numbers float32 "N C" and, for each, whether its code is known bool "N C"; C is the sum of the widths."""
    latest = _latest(known, [static.code for static in statics])
    blocks = [_block(known.count, latest.filter(pl.col("code") == static.code), static) for static in statics]
    values = np.concatenate([block for block, _ in blocks], 1) if blocks else np.zeros((known.count, 0), np.float32)
    seen = [np.repeat(here[:, None], static.width, 1) for (_, here), static in zip(blocks, statics, strict=True)]
    return values, np.concatenate(seen, 1) if seen else np.zeros((known.count, 0), bool)


def names(statics: Sequence[Static]) -> tuple[str, ...]:
    """A name for each column of `encode`."""
    return tuple(name for static in statics for name in _names(static))


def codes(statics: Sequence[Static]) -> tuple[str, ...]:
    """The code that each column of `encode` tells."""
    return tuple(static.code for static in statics for _ in range(static.width))


def rulers(statics: Sequence[Static]) -> tuple[Ruler | None, ...]:
    """Of each column of `encode` that is a number how it is scaled; None of all others."""
    found = [(scale.ruler(one.number), None) if one.number else (None,) * one.width for one in statics]
    return tuple(column for columns in found for column in columns)


def plain(known: Known, statics: Sequence[Static]) -> Plain:
    """Numbers in their own unit and a column a category, NaN where nothing is known."""
    latest = _latest(known, [static.code for static in statics])
    columns, titles = [], []
    for static in statics:
        rows = latest.filter(pl.col("code") == static.code)
        block, here = _natural(known.count, rows, static) if static.number else _block(known.count, rows, static)
        columns.append(np.where(here[:, None], block[:, : static.width - 1], np.nan))
        titles += _names(static)[:-1]
    values = np.concatenate(columns, 1) if columns else np.zeros((known.count, 0))
    return Plain(values.astype(np.float32), tuple(titles))


def synthetic(statics: Sequence[Static], rows: int, random: np.random.Generator) -> dict[str, list[Any]]:
    """Columns row, code, numeric_value, text_value of events drawn from the fitted statics alone."""
    columns: dict[str, list[Any]] = {"row": [], "code": [], "numeric_value": [], "text_value": []}
    for static in statics:
        has = np.flatnonzero(random.random(rows) < static.share)
        columns["row"] += has.tolist()
        columns["code"] += [static.code] * len(has)
        columns["numeric_value"] += scale.draw(static.number, len(has), random).tolist() if static.number else [None] * len(has)
        columns["text_value"] += [None] * len(has) if static.number else _texts(static, len(has), random)
    return columns


def _static(code: str, rows: pl.DataFrame, share: float, method: scale.Method, clip: float) -> Static:
    numbers = rows["number"].drop_nulls()
    if len(numbers) == len(rows):
        return Static(code=code, share=share, number=scale.fit(numbers.to_numpy(), method, clip=clip))
    counts = rows.group_by("text").len().filter(pl.col("len") >= RARE).sort("text")
    weights = (counts["len"] / len(rows)).to_list()
    return Static(code=code, share=share, categories=counts["text"].to_list(), weights=[*weights, max(0.0, 1 - sum(weights))])


def _latest(known: Known, codes: Sequence[str]) -> pl.DataFrame:
    """row, code, number (null where the value is text), text: the latest value known of each code."""
    number = pl.when(pl.col("numeric_value").is_finite() & pl.col("text_value").is_null()).then("numeric_value").cast(pl.Float64)
    text = pl.coalesce(
        pl.col("text_value"), pl.when(number == number.round()).then(number.cast(pl.Int64, strict=False)).cast(pl.String)
    )
    events = known.events.filter(pl.col("code").is_in(list(codes)))
    events = events.select("row", "code", number=number, text=pl.coalesce(text, number.cast(pl.String)))
    return events.filter(pl.col("text").is_not_null()).group_by("row", "code", maintain_order=True).last()


def _block(count: int, rows: pl.DataFrame, static: Static) -> tuple[Array, Array]:
    """The columns of one code, and the rows that have it."""
    block = np.zeros((count, static.width), np.float32)
    block[:, -1] = 1  # missing
    if static.number:
        rows = rows.filter(pl.col("number").is_not_null())
        block[rows["row"], 0] = scale.apply(static.number, rows["number"].to_numpy())
    else:
        place = np.searchsorted(static.categories, rows["text"].to_numpy()) if static.categories else np.zeros(len(rows), int)
        named = np.append(static.categories, "")[place] == rows["text"].to_numpy()
        block[rows["row"], np.where(named, place, len(static.categories))] = 1
    here = np.zeros(count, bool)
    here[rows["row"]] = True
    block[here, -1] = 0
    return block, here


def _natural(count: int, rows: pl.DataFrame, static: Static) -> tuple[Array, Array]:
    """A number in its own unit, and the rows that have it."""
    rows = rows.filter(pl.col("number").is_not_null())
    block, here = np.zeros((count, static.width)), np.zeros(count, bool)
    block[rows["row"], 0], here[rows["row"]] = rows["number"], True
    return block, here


def _names(static: Static) -> list[str]:
    if static.number:
        return [static.code, f"{static.code}.missing"]
    return [f"{static.code}={category}" for category in (*static.categories, "other")] + [f"{static.code}.missing"]


def _texts(static: Static, count: int, random: np.random.Generator) -> list[str]:
    """Categories as often as in training; what is none of them is called "other"."""
    drawn = random.choice(len(static.weights), count, p=np.array(static.weights) / sum(static.weights))
    return [(*static.categories, "other")[place] for place in drawn]
