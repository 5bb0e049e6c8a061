"""An intensive care ward of which we know why patients die, in the layout of the PhysioNet/CinC Challenge 2012.

A stay is 48 hours of irregular vital signs and laboratory values. The true risk of death rises with age, and steeply where over
the last 12 hours lactate rises AND mean arterial pressure falls: either alone hardly matters, so the cause is an interaction that
has to be found in the course of two series. Sicker patients are measured more often, but only after it shows, so that the
sampling informs without giving the outcome away; nothing is recorded after the 48 hours. Reader: physionet2012.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.types import Array

HOURS = 48
TURN = 12  # hours before the end in which the planted course takes place
FIRST = 100_001  # the first stay's number
LACTATE_RISE = 4.0  # mmol/L at full degree
PRESSURE_FALL = 22.0  # mmHg at full degree
TURNING = 0.5  # share of stays in which lactate rises; of pressure falling alike, and independently of it


@dataclass(frozen=True, slots=True)
class Sign:
    """A quantity as the ward measures it: usual value, between patients, within a patient, hours between two, decimals."""

    usual: float
    between: float
    within: float
    every: float
    decimals: int


SIGNS = {
    "HR": Sign(86, 14, 6, 1, 0),
    "MAP": Sign(82, 8, 4, 1, 0),
    "SysABP": Sign(120, 15, 7, 1, 0),
    "DiasABP": Sign(60, 9, 5, 1, 0),
    "RespRate": Sign(19, 3, 2.5, 2, 0),
    "Temp": Sign(37, 0.5, 0.3, 4, 1),
    "SaO2": Sign(97, 1, 0.8, 4, 0),
    "GCS": Sign(12, 2, 0.6, 4, 0),
    "Urine": Sign(110, 45, 40, 2, 0),
    "Lactate": Sign(1.9, 0.5, 0.25, 5, 1),
    "Creatinine": Sign(1.2, 0.5, 0.1, 12, 1),
    "BUN": Sign(24, 11, 2, 12, 0),
    "WBC": Sign(12, 4, 1, 12, 1),
    "HCT": Sign(31, 4, 1, 12, 1),
    "Platelets": Sign(200, 70, 12, 12, 0),
    "K": Sign(4.1, 0.4, 0.25, 10, 1),
    "Na": Sign(139, 3.5, 1, 12, 0),
    "Glucose": Sign(135, 30, 18, 8, 0),
    "HCO3": Sign(23.5, 2.8, 1, 12, 0),
}
LIMITS = {"GCS": (3, 15), "SaO2": (60, 100), "Urine": (0, 900), "Lactate": (0.3, 25)}


@dataclass(frozen=True, slots=True)
class Patients:
    """What is true of N stays, whether or not it was measured."""

    age: Array
    female: Array
    height: Array
    icu: Array  # 1..4
    rise: Array  # degree in [0, 1] to which lactate rises in the last hours
    fall: Array  # degree in [0, 1] to which the pressure falls
    risk: Array  # true probability of death in hospital
    died: Array


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes set-a/*.txt, Outcomes-a.txt and truth.csv."""
    patients = drawn(subjects, seed)
    (folder / "set-a").mkdir()
    for i in range(subjects):
        text = _stay(FIRST + i, patients, i, streams.generator(seed, "ward", "stay", i))
        (folder / "set-a" / f"{FIRST + i}.txt").write_text(text, encoding="ascii")
        progress("stays", i + 1, subjects)
    (folder / "Outcomes-a.txt").write_text(_outcomes(patients, seed), encoding="ascii")
    truth = [f"{FIRST + i},{patients.risk[i]:.6f},{int(patients.died[i])}" for i in range(subjects)]
    (folder / "truth.csv").write_text("\n".join(["subject,risk,outcome", *truth]) + "\n", encoding="ascii")


def drawn(subjects: int, seed: int) -> Patients:
    """The patients of this seed; the first of them are the same however many are drawn."""
    each = [streams.generator(seed, "ward", "patient", i).random(8) for i in range(subjects)]
    chance = np.array(each).reshape(subjects, 8)
    age = np.round(np.clip(18 + 76 * chance[:, 0] ** 0.6, 18, 90))
    rise, fall = (_degree(chance[:, k], chance[:, k + 2]) for k in (1, 2))
    risk = true_risk(age, rise, fall)
    female = chance[:, 5] < 0.45
    height = np.round(163 + 13 * ~female + 16 * (chance[:, 6] - 0.5))
    return Patients(age, female, height, 1 + (chance[:, 6] * 4000 % 4).astype(int), rise, fall, risk, chance[:, 7] < risk)


def _degree(turning: Array, degree: Array) -> Array:
    """0 in most stays, else between 0.4 and 1."""
    return np.where(turning < TURNING, 0.4 + 0.6 * degree, 0.0)


def true_risk(age: Array, rise: Array, fall: Array) -> Array:
    """The planted cause.

    >>> true_risk(np.array([64.0, 64.0, 64.0]), np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0])).round(2)
    array([0.02, 0.03, 0.91])
    """
    return np.asarray(expit(-4.0 + 0.045 * (age - 64) + 0.4 * rise + 0.4 * fall + 5.5 * rise * fall))


def _stay(number: int, patients: Patients, i: int, random: np.random.Generator) -> str:
    """One stay's file."""
    height = -1 if random.random() < 0.3 else patients.height[i]  # often not written down, as on real wards
    statics = {
        "RecordID": number,
        "Age": patients.age[i],
        "Gender": int(not patients.female[i]),
        "Height": height,
        "ICUType": patients.icu[i],
    }
    lines = [(0, f"00:00,{name},{value:g}") for name, value in statics.items()]
    for name, sign in SIGNS.items():
        minutes = _moments(sign, patients.rise[i] if name == "Lactate" else 0.0, random)
        values = _values(name, sign, minutes / 60, patients.rise[i], patients.fall[i], random)
        lines += [
            (minute, f"{minute // 60:02d}:{minute % 60:02d},{name},{value:.{sign.decimals}f}")
            for minute, value in zip(minutes.tolist(), values, strict=True)
        ]
    ordered = sorted(lines, key=lambda line: line[0])
    return "\n".join(["Time,Parameter,Value", *(text for _, text in ordered)]) + "\n"


def _moments(sign: Sign, rise: float, random: np.random.Generator) -> Array:
    """Minutes at which it is measured: irregular, and twice as often once a rising lactate has been seen."""
    gaps = sign.every * random.gamma(4, 0.25, size=int(3 * HOURS / sign.every) + 4)
    times = np.cumsum(gaps) - gaps[0] * random.random()
    seen = HOURS - TURN / 2
    late = times > seen
    times[late] = seen + (times[late] - seen) / (1 + rise)
    minutes = np.unique((times * 60).astype(np.int64))
    return minutes[minutes < HOURS * 60]


def _values(name: str, sign: Sign, hours: Array, rise: float, fall: float, random: np.random.Generator) -> Array:
    """A level of the patient's own, noise, and in the last hours the planted course."""
    course = np.clip((hours - (HOURS - TURN)) / TURN, 0, 1)
    drift = {
        "Lactate": LACTATE_RISE * rise,
        "MAP": -PRESSURE_FALL * fall,
        "SysABP": -1.3 * PRESSURE_FALL * fall,
        "DiasABP": -0.8 * PRESSURE_FALL * fall,
    }
    level = sign.usual + sign.between * random.normal()
    values = level + sign.within * random.normal(size=len(hours)) + drift.get(name, 0.0) * course
    return np.clip(values, *LIMITS.get(name, (0.1, np.inf)))


def _outcomes(patients: Patients, seed: int) -> str:
    """Outcomes-a.txt; the scores know the age and the first day, so little of what is planted."""
    random = streams.generator(seed, "ward", "outcomes")
    lines = ["RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"]
    for i, died in enumerate(patients.died):
        saps = round(max(0.0, 4 + patients.age[i] / 9 + 3.5 * random.normal()))
        sofa = round(max(0.0, 5 + patients.age[i] / 50 + 2.5 * random.normal()))
        days = 3 + round(random.exponential(8))
        lines.append(f"{FIRST + i},{saps},{sofa},{days},{days if died else -1},{int(died)}")
    return "\n".join(lines) + "\n"
