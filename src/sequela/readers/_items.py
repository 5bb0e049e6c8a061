"""The items of tables of measurements and doses: their codes, and one unit for each code.

A code's unit is the standard one of its quantity where units.py knows the quantity by the item's name and the commonest unit
given converts to it; else the commonest unit given. Numbers in other units are converted where they can be; the rest cannot be
used as numbers. A number without a unit is one in its code's unit only where no row of that code has a unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from sequela import units
from sequela.errors import DataError

NO_UNIT = ("", "none", "...", "___", "n/a")  # what sources write for it
_COUNTS = {"item": pl.Int64, "given": pl.String, "count": pl.UInt32}


@dataclass(frozen=True)
class Items:
    """`known`: item, code, description, unit, one row an item; `scale`: item, given, factor, offset, one row a unit given."""

    known: pl.DataFrame
    scale: pl.DataFrame

    def scaled(self, frame: pl.DataFrame, item: str, unit: str) -> pl.DataFrame:
        """The frame with `factor` and `offset`: null where its unit cannot be converted to that of its code."""
        return frame.join(
            self.scale.rename({"item": item, "given": unit}), on=[item, unit], how="left", nulls_equal=True, maintain_order="left"
        )


def counted(frames: Iterable[pl.DataFrame], item: str, unit: str, number: str) -> pl.DataFrame:
    """item, given, count: how many numbers of each item come in each unit; units as they are written, null for none."""
    found = [
        frame.group_by(pl.col(item).alias("item"), pl.col(unit).alias("given")).agg(pl.col(number).count().alias("count"))
        for frame in frames
    ]
    whole = pl.concat(found) if found else pl.DataFrame(schema=_COUNTS)
    return whole.group_by("item", "given").agg(pl.col("count").sum()).sort("item", "given")


def items(counts: pl.DataFrame, named: pl.DataFrame) -> Items:
    """The items of a table: `counts` as `counted` gives them, `named` with item, code and description of all its items."""
    told = counts.join(named, on="item", how="left").with_columns(
        pl.col("given").map_elements(_canonical, return_dtype=pl.String, skip_nulls=True).alias("spelled")
    )
    chosen = pl.DataFrame(list(_units(told)), schema={"code": pl.String, "unit": pl.String, "quantity": pl.String}, orient="row")
    told = told.join(chosen, on="code", how="left")
    scales = [_scale(*row) for row in told.select("given", "spelled", "unit", "quantity").iter_rows()]
    factors = pl.DataFrame(scales, schema={"factor": pl.Float64, "offset": pl.Float64}, orient="row")
    known = named.join(chosen.select("code", "unit"), on="code", how="left").with_columns(pl.col("unit").fill_null(""))
    return Items(known, told.select("item", "given").hstack(factors))


def _canonical(unit: str) -> str | None:
    return None if unit.strip().lower() in NO_UNIT else units.canonical(unit)


def _units(told: pl.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Code, unit and the quantity that converts to it ("" for none), of each code that has a unit."""
    sums = told.filter(pl.col("spelled").is_not_null()).group_by("code", "spelled", "given").agg(pl.col("count").sum())
    best = sums.with_columns(pl.col("count").sum().over("code", "spelled").alias("total")).sort(
        "code", "total", "spelled", "count", "given", descending=[False, True, False, True, False]
    )
    quantities = {code: found for code, name in _names(told) if (found := units.quantity(name or "")) is not None}
    for code, given in best.unique("code", keep="first", maintain_order=True).select("code", "given").iter_rows():
        quantity = quantities.get(code, "")
        standard = bool(quantity) and _line(quantity, given) is not None
        yield (code, units.standard_unit(quantity), quantity) if standard else (code, given.strip(), "")


def _names(told: pl.DataFrame) -> Iterator[tuple[str, str | None]]:
    return told.select("code", "description").unique().sort("code", "description").iter_rows()


def _scale(given: str | None, spelled: str | None, unit: str | None, quantity: str | None) -> tuple[float | None, float | None]:
    """Factor and offset from a unit given to the unit of the code."""
    if unit is None or (spelled is not None and spelled == units.canonical(unit)):
        return 1.0, 0.0
    line = _line(quantity, given) if quantity and given is not None and spelled is not None else None
    return line or (None, None)


def _line(quantity: str, unit: str) -> tuple[float, float] | None:
    """Factor and offset to the standard unit; None where the unit is not known for the quantity."""
    try:
        zero, one = units.to_standard(quantity, [0.0, 1.0], unit)
    except DataError:
        return None
    return float(one - zero), float(zero)
