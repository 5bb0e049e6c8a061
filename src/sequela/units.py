"""Units of labs, vitals and signals: a number is converted to one standard unit for its quantity, or refused.

    value in the standard unit = factor · value + offset

Sources of the factors:
    [SI]   BIPM, The International System of Units, 9th edition; NIST SP 811 (2008), appendix B.8: mmHg, inch, pound, °F
    [MOL]  molar mass in g/mol from the IUPAC standard atomic weights (2021): mg/dL to mmol/L is 10 / molar mass
    [AMA]  AMA Manual of Style, 11th edition, section 17.5, conventional and SI units of laboratory tests
    [DEF]  a prefix, a percentage or another spelling of the same unit
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from sequela.errors import DataError


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number in this unit becomes one in the standard unit."""

    factor: float
    offset: float = 0.0
    source: str = "DEF"


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured, the unit it is kept in, and the units it may come in."""

    standard: str
    units: Mapping[str, Unit]
    codes: tuple[str, ...] = ()  # other names it goes by, in small letters


def _molar(grams_per_mole: float, *codes: str) -> Quantity:
    """A substance kept in mg/dL that may come in moles."""
    units = {
        "mg/dL": Unit(1.0),
        "mg/L": Unit(0.1),
        "g/L": Unit(100.0),
        "mmol/L": Unit(grams_per_mole / 10, source="MOL"),
        "umol/L": Unit(grams_per_mole / 10_000, source="MOL"),
    }
    return Quantity("mg/dL", MappingProxyType(units), codes)


def _ion(grams_per_mole: float, charge: int, *codes: str) -> Quantity:
    """An ion kept in mmol/L that may come in equivalents or by mass."""
    units = {
        "mmol/L": Unit(1.0),
        "mEq/L": Unit(1 / charge),
        "mg/dL": Unit(10 / grams_per_mole, source="MOL"),
    }
    return Quantity("mmol/L", MappingProxyType(units), codes)


def _pressure(*codes: str) -> Quantity:
    units = {"mmHg": Unit(1.0), "kPa": Unit(1 / 0.133322387415, source="SI"), "cmH2O": Unit(98.0665 / 133.322387415, source="SI")}
    return Quantity("mmHg", MappingProxyType(units), codes)


def _of(standard: str, units: Mapping[str, Unit], *codes: str) -> Quantity:
    return Quantity(standard, MappingProxyType({standard: Unit(1.0), **units}), codes)


_PER_MINUTE = {"1/min": Unit(1.0), "per minute": Unit(1.0), "Hz": Unit(60.0)}
_CELLS = {"10^9/L": Unit(1.0), "K/uL": Unit(1.0), "10^3/mm3": Unit(1.0), "1/uL": Unit(1e-3), "1/mm3": Unit(1e-3)}
_ENZYME = {"IU/L": Unit(1.0), "ukat/L": Unit(60.0, source="AMA")}
_MASS = {"g": Unit(1e-3), "lb": Unit(0.45359237, source="SI"), "oz": Unit(0.028349523125, source="SI")}
_LENGTH = {"m": Unit(100.0), "mm": Unit(0.1), "in": Unit(2.54, source="SI"), "ft": Unit(30.48, source="SI")}
_DEGREES = {"degF": Unit(5 / 9, -160 / 9, "SI"), "K": Unit(1.0, -273.15, "SI")}
_PROTEIN = {"g/L": Unit(0.1), "mg/dL": Unit(1e-3)}
_TROPONIN = {"ng/mL": Unit(1.0), "ng/L": Unit(1e-3), "pg/mL": Unit(1e-3)}

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "glucose": _molar(180.156),
        "creatinine": _molar(113.120),
        "bilirubin": _molar(584.673, "total bilirubin"),
        "urea": _molar(60.056),
        "urea nitrogen": _molar(28.014, "bun"),  # 2 N of 14.007; the number in mmol/L is that of urea
        "cholesterol": _molar(386.664),
        "triglycerides": _molar(885.432),  # triolein, as laboratories take it
        "uric acid": _molar(168.112, "urate"),
        "calcium": _molar(40.078, "ca"),
        "phosphate": _molar(30.974, "phosphorus"),  # as P
        "sodium": _ion(22.990, 1, "na"),
        "potassium": _ion(39.098, 1, "k"),
        "chloride": _ion(35.45, 1, "cl"),
        "magnesium": _ion(24.305, 2, "mg"),
        "bicarbonate": _ion(61.016, 1, "hco3"),
        "lactate": _ion(90.078, 1),  # as lactic acid
        "haemoglobin": _of("g/dL", {**_PROTEIN, "mmol/L": Unit(1.6114, source="AMA")}, "hemoglobin", "hb", "hgb"),  # per haem
        "albumin": _of("g/dL", _PROTEIN),
        "haematocrit": _of("%", {"fraction": Unit(100.0), "L/L": Unit(100.0)}, "hematocrit", "hct"),
        "white cells": _of("10^3/uL", _CELLS, "wbc", "leukocytes"),
        "platelets": _of("10^3/uL", _CELLS),
        "alanine aminotransferase": _of("U/L", _ENZYME, "alt"),
        "aspartate aminotransferase": _of("U/L", _ENZYME, "ast"),
        "alkaline phosphatase": _of("U/L", _ENZYME, "alp"),
        "troponin": _of("ug/L", _TROPONIN, "troponint", "troponini", "troponin t", "troponin i"),
        "c-reactive protein": _of("mg/L", {"mg/dL": Unit(10.0)}, "crp"),
        "oxygen tension": _pressure("pao2", "po2"),
        "carbon dioxide tension": _pressure("paco2", "pco2"),
        "blood pressure": _pressure("sysabp", "diasabp", "map", "nisysabp", "nidiasabp", "nimap", "sbp", "dbp"),
        "airway pressure": _pressure("peep", "pip"),
        "heart rate": _of("beats/min", {**_PER_MINUTE, "bpm": Unit(1.0)}, "hr", "pulse"),
        "respiratory rate": _of("breaths/min", {**_PER_MINUTE, "bpm": Unit(1.0)}, "resprate", "rr"),
        "temperature": _of("degC", _DEGREES, "temp"),
        "oxygen saturation": _of("%", {"fraction": Unit(100.0)}, "spo2", "sao2"),
        "inspired oxygen": _of("fraction", {"%": Unit(0.01)}, "fio2"),
        "weight": _of("kg", _MASS),
        "height": _of("cm", _LENGTH),
        "body mass index": _of("kg/m2", {}, "bmi"),
        "urine": _of("mL", {"L": Unit(1000.0)}, "urine output"),
        "age": _of("years", {"months": Unit(1 / 12), "days": Unit(1 / 365.2425)}),
        "voltage": _of("mV", {"uV": Unit(1e-3), "V": Unit(1e3), "nV": Unit(1e-6)}, "ecg", "eeg", "emg"),
        "acidity": _of("pH", {}, "ph"),
    }
)

_SPELLINGS = {
    "c": "degc", "deg. c": "degc", "celsius": "degc", "°c": "degc", "cel": "degc", "deg. f": "degf", "f": "degf",
    "fahrenheit": "degf", "°f": "degf", "torr": "mmhg", "seconds": "sec", "s": "sec",
    "[degf]": "degf", "lbs": "lb", "pounds": "lb", "[lb_av]": "lb", "kilograms": "kg", "inches": "in", "inch": "in",
    "[in_i]": "in", "percent": "%", "mm[hg]": "mmhg", "mm hg": "mmhg", "mcg/l": "ug/l", "mcmol/l": "umol/l",
    "insp/min": "breaths/min", "/min": "1/min", "{beats}/min": "beats/min", "x10^9/l": "10^9/l", "10*9/l": "10^9/l",
    "10*3/ul": "10^3/ul", "thou/ul": "10^3/ul", "k/mm3": "10^3/mm3", "units/l": "u/l", "year": "years", "a": "years",
    "month": "months", "day": "days", "kg/m^2": "kg/m2", "kg/m²": "kg/m2", "mcv": "uv", "millivolt": "mv",
}  # fmt: skip


def quantity(name: str) -> str | None:
    """The quantity that a name or code stands for, in small letters; None where the table does not have it.

    >>> quantity("HR"), quantity("Glucose"), quantity("SHOE_SIZE")
    ('heart rate', 'glucose', None)
    """
    small = name.strip().lower().replace("_", " ")
    return small if small in QUANTITIES else _BY_CODE.get(small)


def standard_unit(name: str) -> str:
    """The unit that a quantity is kept in. Raises DataError for a quantity that is not in the table."""
    return _known(name).standard


def to_standard(name: str, values: npt.ArrayLike, unit: str) -> npt.NDArray[np.float64]:
    """The values in the standard unit of the quantity (or code) of this name; NaN stays NaN.

    Raises DataError, with the units known, where the quantity or the unit is not in the table.

    >>> to_standard("glucose", [5.0], "mmol/L").round(1), to_standard("temp", [98.6], "F").round(1)
    (array([90.1]), array([37.]))
    """
    found = _known(name)
    for known, how in found.units.items():
        if _spelled(known) == _spelled(unit):
            return how.factor * np.asarray(values, dtype=np.float64) + how.offset
    raise DataError(f"{unit!r} is not a unit of {name}", hint=f"units known for it: {', '.join(found.units)}")


def canonical(unit: str) -> str:
    """One spelling for all spellings of a unit: two units are the same where these are.

    >>> canonical("Deg. F"), canonical("mm Hg"), canonical("MEQ/L")
    ('degf', 'mmhg', 'meq/l')
    """
    return _spelled(unit)


def _known(name: str) -> Quantity:
    found = quantity(name)
    if found is None:
        raise DataError(f"no units are known for {name!r}", hint=f"quantities known: {', '.join(QUANTITIES)}")
    return QUANTITIES[found]


def _spelled(unit: str) -> str:
    """One spelling for each unit: letter case (there is no unit here that it tells apart), µ, and common variants."""
    small = unit.strip().lower().replace("µ", "u").replace("μ", "u").replace("¹", "1")
    return _SPELLINGS.get(small, small)


_BY_CODE: Mapping[str, str] = MappingProxyType({code: name for name, found in QUANTITIES.items() for code in found.codes})
