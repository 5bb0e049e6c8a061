"""A SOFA-like score from the worst charted values of the history, turned into a risk by logistic regression on it alone.

The Sequential Organ Failure Assessment (Vincent 1996, table 3) adds 0 to 4 points for each of six organs. Ours reads what charts
hold as numbers: PaO2 over FiO2, platelets, bilirubin, mean arterial pressure, the Glasgow coma scale, creatinine. It differs:
vasopressor doses and urine output are not read, so the circulation has at most 1 point; the ratio is that of the lowest PaO2 and
the highest FiO2, and has more than 2 points only where a ventilator was charted; an organ without a value has no points, as is
usual. A row without any of them has no score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from sequela.baselines import _curve
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Plain

Steps: TypeAlias = tuple[float, ...]  # values at which 1, 2, 3 and 4 points begin

FALLING: Mapping[str, Steps] = {  # points for values below
    "platelets": (150, 100, 50, 20),  # 10^3/mm3
    "pressure": (70,),  # mmHg
    "coma": (15, 13, 10, 6),  # points of the scale
}
RISING: Mapping[str, Steps] = {  # points for values from
    "bilirubin": (1.2, 2.0, 6.0, 12.0),  # mg/dL
    "creatinine": (1.2, 2.0, 3.5, 5.0),  # mg/dL
}
RATIO: Steps = (400, 300, 200, 100)  # mmHg, points for values below
WITHOUT_VENTILATOR = 2  # the most points of the ratio


class Config(Strict, frozen=True):
    """The codes of each value, in the units above; FiO2 is a share or per cent."""

    oxygen: tuple[str, ...] = ("PaO2", "LOINC//2703-7", "LOINC//11556-8")  # mmHg
    inspired: tuple[str, ...] = ("FiO2", "LOINC//19996-8", "LOINC//3150-0", "MIMIC3//ITEM//190", "MIMIC3//ITEM//223835")
    ventilator: tuple[str, ...] = ("MechVent", "LOINC//20124-4")
    platelets: tuple[str, ...] = ("Platelets", "LOINC//777-3")
    bilirubin: tuple[str, ...] = ("Bilirubin", "LOINC//1975-2")
    pressure: tuple[str, ...] = ("MAP", "NIMAP", "LOINC//8478-0", "MIMIC3//ITEM//52", "MIMIC3//ITEM//456", "MIMIC3//ITEM//220052")
    coma: tuple[str, ...] = ("GCS", "LOINC//9269-2", "MIMIC3//ITEM//198")
    creatinine: tuple[str, ...] = ("Creatinine", "LOINC//2160-0")


class Sofa:
    """Learns one curve from score to risk for each label."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._curve: _curve.Curve | None = None

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Raises DataError where no input charts any of the values, or no training row has one."""
        scores = (score(train.plain, self.config), score(tune.plain, self.config))
        self._curve = _curve.fit("SOFA-like", scores, train, tune, kind)

    def answer(self, rows: Evidence) -> Answer:
        if self._curve is None:
            raise DataError("this baseline has not been fitted")
        return self._curve.answer(score(rows.plain, self.config))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {} if self._curve is None else {"score": "SOFA-like, from charted values", "median": self._curve.median}


def score(plain: Plain, config: Config) -> Array:
    """The points of each row, float64 "N"; NaN where none of the values is known.

    Raises DataError where no column holds any of them.
    """
    organs = [_falling(_worst(plain, getattr(config, name), "min"), steps) for name, steps in FALLING.items()]
    organs += [_rising(_worst(plain, getattr(config, name), "max"), steps) for name, steps in RISING.items()]
    points = np.stack([*organs, _breathing(plain, config)])
    asked = [*((name, "min") for name in (*FALLING, "oxygen")), *((name, "max") for name in RISING)]
    if not any(_columns(plain, getattr(config, name), which) for name, which in asked):
        raise DataError(
            "no input charts what a SOFA-like score is made of", hint="an input of the modality measurements with platelets, …"
        )
    known = ~np.isnan(points)
    return np.where(known.any(0), np.where(known, points, 0).sum(0), np.nan)


def _breathing(plain: Plain, config: Config) -> Array:
    oxygen, inspired = _worst(plain, config.oxygen, "min"), _worst(plain, config.inspired, "max")
    share = np.where(inspired > 1, inspired / 100, inspired)
    points = _falling(np.where(share > 0, oxygen / np.where(share > 0, share, 1), np.nan), RATIO)
    ventilated = _worst(plain, config.ventilator, "max") > 0
    return np.where(ventilated, points, np.minimum(points, WITHOUT_VENTILATOR))


def _worst(plain: Plain, codes: Sequence[str], which: str) -> Array:
    """The smallest or largest value of any of the codes, float64 "N"; NaN where none is known."""
    columns = _columns(plain, codes, which)
    if not columns:
        return np.full(len(plain.values), np.nan)
    values = plain.values[:, columns].astype(np.float64)
    absent = np.isnan(values).all(1)
    values[absent] = 0
    return np.where(absent, np.nan, (np.nanmin if which == "min" else np.nanmax)(values, 1))


def _columns(plain: Plain, codes: Sequence[str], which: str) -> list[int]:
    wanted = {f"{code}.{which}" for code in codes}
    return [place for place, name in enumerate(plain.names) if name.partition(".")[2] in wanted]


def _falling(value: Array, steps: Steps) -> Array:
    """Points for each of the steps that the value lies below."""
    points = sum((value < step).astype(float) for step in steps)
    return np.where(np.isnan(value), np.nan, points)


def _rising(value: Array, steps: Steps) -> Array:
    """Points for each of the steps that the value reaches."""
    points = sum((value >= step).astype(float) for step in steps)
    return np.where(np.isnan(value), np.nan, points)


def build(config: Config) -> Sofa:
    return Sofa(config)
