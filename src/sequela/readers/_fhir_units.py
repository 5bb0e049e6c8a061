"""Units of observations: UCUM to the one unit of each quantity where the LOINC code says which quantity it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sequela import units
from sequela.errors import DataError
from sequela.readers._fhir_types import Quantity

# LOINC codes of the quantities whose units sequela.units converts. Source: loinc.org, release 2.77, the commonest codes of each.
_LOINC = {
    "glucose": "2345-7 2339-0 2340-8 41653-7 15074-8 14749-6",
    "creatinine": "2160-0 38483-4 14682-9",
    "bilirubin": "1975-2 42719-5 14631-6",
    "urea nitrogen": "3094-0 6299-2 14937-7",
    "urea": "22664-7",
    "cholesterol": "2093-3 14647-2 2085-9 14646-4 2089-1 13457-7 18262-6 22748-8",
    "triglycerides": "2571-8 14927-8",
    "uric acid": "3084-1",
    "calcium": "17861-6 2000-8 49765-1",
    "phosphate": "2777-1 14879-1",
    "sodium": "2951-2 2947-0",
    "potassium": "2823-3 6298-4",
    "chloride": "2075-0 2069-3",
    "magnesium": "19123-9 2601-3",
    "bicarbonate": "1963-8 2028-9 20565-8",
    "lactate": "2524-7 32693-4",
    "haemoglobin": "718-7 20509-6 59260-0",
    "albumin": "1751-7 61151-7",
    "haematocrit": "4544-3 20570-8",
    "white cells": "6690-2 26464-8",
    "platelets": "777-3 26515-7",
    "alanine aminotransferase": "1742-6",
    "aspartate aminotransferase": "1920-8",
    "alkaline phosphatase": "6768-6",
    "troponin": "10839-9 6598-7 89579-7 67151-1",
    "c-reactive protein": "1988-5 30522-7",
    "oxygen tension": "2703-7",
    "carbon dioxide tension": "2019-8",
    "acidity": "2744-1",
    "blood pressure": "8480-6 8462-4 8478-0",
    "heart rate": "8867-4",
    "respiratory rate": "9279-1",
    "temperature": "8310-5 8331-1",
    "oxygen saturation": "2708-6 59408-5",
    "inspired oxygen": "3150-6",
    "weight": "29463-7 3141-9",
    "height": "8302-2",
    "body mass index": "39156-5",
}
QUANTITY_OF: Mapping[str, str] = {f"LOINC//{code}": quantity for quantity, codes in _LOINC.items() for code in codes.split()}
UCUM = "http://unitsofmeasure.org"


_ANNOTATION = re.compile(r"/?\{[^}]*\}")


def _written(quantity: Quantity) -> str:
    """The unit: its code where that is UCUM, without annotations in braces, which in UCUM stand for no unit."""
    if quantity.system == UCUM and quantity.code:
        return _ANNOTATION.sub("", quantity.code)
    return quantity.unit or quantity.code


@dataclass
class Units:
    """One unit for each code: that of its quantity, else the first in which the code comes.

    `kept` may be given units to begin with, for codes that come in several.
    """

    kept: dict[str, str] = field(default_factory=dict)
    _ways: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def standard(self, code: str, quantity: Quantity) -> float:
        """The number in the unit that the code is kept in.

        Raises DataError where its unit cannot be converted to that.
        """
        unit = _written(quantity)
        way = self._ways.get((code, unit))
        if way is None:
            way = self._ways[code, unit] = self._way(code, unit)
        return float("nan") if quantity.value is None else way[0] * quantity.value + way[1]

    def _way(self, code: str, unit: str) -> tuple[float, float]:
        known = QUANTITY_OF.get(code)
        if known is None or code in self.kept:
            return self._as_it_is(code, unit)
        try:
            zero, one = units.to_standard(known, [0.0, 1.0], unit)
        except DataError as error:
            raise DataError(f"{code}: {error.message}") from error
        return float(one - zero), float(zero)

    def _as_it_is(self, code: str, unit: str) -> tuple[float, float]:
        kept = self.kept.setdefault(code, unit)
        if kept != unit:
            raise DataError(f"{code} comes in {unit!r} and in {kept!r}, and no conversion is known")
        return 1.0, 0.0

    def unit(self, code: str) -> str:
        """The unit that the numbers of a code are in."""
        return self.kept[code] if code in self.kept else units.standard_unit(QUANTITY_OF[code]) if code in QUANTITY_OF else ""
