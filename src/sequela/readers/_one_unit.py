"""One unit for each code of a table whose rows say their unit: converted where the quantity is known, told apart where it is not.

A code whose quantity `sequela.units` knows is kept in the standard unit of that. Any other code is kept in the unit that most of
its rows have; rows in another unit, or in none, are another code, `CODE//UNIT//other`, so that no two units ever mix.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from sequela import units
from sequela.errors import DataError

_WAY = {
    "coded": pl.String(),
    "kept": pl.String(),  # the unit that the numbers are in
    "factor": pl.Float64(),  # number in that unit = factor · number + offset
    "offset": pl.Float64(),
    "main": pl.Boolean(),  # the unit that most rows of the code have
}


def settled(pairs: pl.DataFrame, quantity_of: Callable[[str], str | None]) -> pl.DataFrame:
    """Pairs of code and unit with the code, the unit and the way of the numbers to that.

    `pairs` has the columns coded, unit ("" where none is given), count, and others, which it keeps; `quantity_of` says which
    quantity of `sequela.units` a code is. Comes back without count, with coded (anew), kept, factor, offset, main.
    """
    ordered = pairs.sort("coded", "count", "unit", descending=[False, True, False])
    main = dict(ordered.unique("coded", keep="first", maintain_order=True).select("coded", "unit").iter_rows())
    rows = [(*_way(coded, unit, main[coded], quantity_of), unit == main[coded]) for coded, unit in _both(ordered)]
    return pl.concat([ordered.drop("coded", "count"), pl.DataFrame(rows, schema=_WAY, orient="row")], how="horizontal")


def _both(pairs: pl.DataFrame) -> list[tuple[str, str]]:
    return pairs.select("coded", "unit").rows()


def _way(coded: str, unit: str, main: str, quantity_of: Callable[[str], str | None]) -> tuple[str, str, float, float]:
    """Code, unit, factor and offset of the rows of a code that come in this unit, most of them coming in `main`."""
    quantity = quantity_of(coded)
    if quantity is not None and unit:
        try:
            zero, one = units.to_standard(quantity, [0.0, 1.0], unit)
            return coded, units.standard_unit(quantity), float(one - zero), float(zero)
        except DataError:
            return f"{coded}//UNIT//{unit}", unit, 1.0, 0.0
    if quantity is not None or unit != main:
        return f"{coded}//UNIT//{unit or 'none'}", unit, 1.0, 0.0
    return coded, unit, 1.0, 0.0
