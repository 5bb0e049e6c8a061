"""One unit for each code of the table measurement: converted where the quantity is known, told apart where it is not.

A LOINC code whose quantity `sequela.units` knows is kept in the standard unit of that. Any other code is kept in the unit that
most of its rows have; rows in another unit, or in none, are another code, `CODE//UNIT//other`, so that no two units ever mix."""

from __future__ import annotations

import polars as pl

from sequela import units
from sequela.errors import DataError
from sequela.readers._fhir_units import QUANTITY_OF

SCHEMA = {
    "concept": pl.Int64(),
    "unit": pl.String(),
    "coded": pl.String(),
    "kept": pl.String(),  # the unit that the numbers are in
    "factor": pl.Float64(),
    "offset": pl.Float64(),
}


def settled(pairs: pl.DataFrame) -> pl.DataFrame:
    """For each pair of concept and unit that occurs the code, its unit and the way of the numbers to that: SCHEMA.

    `pairs` has the columns concept, coded, unit ("" where none is given), count.
    """
    commonest = pairs.sort("coded", "count", "unit", descending=[False, True, False]).unique(
        "coded", keep="first", maintain_order=True
    )
    main = dict(commonest.select("coded", "unit").iter_rows())
    rows = [
        (concept, unit, *_settled(coded, unit, main[coded]))
        for concept, coded, unit in pairs.select("concept", "coded", "unit").iter_rows()
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _settled(coded: str, unit: str, main: str) -> tuple[str, str, float, float]:
    quantity = QUANTITY_OF.get(coded)
    if quantity is not None and unit:
        try:
            zero, one = units.to_standard(quantity, [0.0, 1.0], unit)
            return coded, units.standard_unit(quantity), float(one - zero), float(zero)
        except DataError:
            return f"{coded}//UNIT//{unit}", unit, 1.0, 0.0
    if quantity is not None or unit != main:
        return f"{coded}//UNIT//{unit or 'none'}", unit, 1.0, 0.0
    return coded, unit, 1.0, 0.0
