"""Histories of diagnoses whose next code is foreseeable to a known degree, and a risk that depends on the diseases behind them.

A patient has a disease at each step, and records it by one of its codes, the commoner ones oftener. The next disease depends on
the last two (a Markov chain of order 2): it stays, or takes the course that this pair of diseases has, or is any. A code tells
its disease for certain, so the probability of every next code given all before it is known: `bound` is the perplexity of the one
who knows it. The risk rises with the share of a record that is spent in the grave diseases. No code of theirs is said to be
grave; that two codes stand for one disease shows only in what comes before and after them. Reader: csv, with the mapping that
lies in the folder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.types import Array

DISEASES, CODES = 20, 24  # CODES of each disease
GRAVE = 4  # the first so many diseases
STAYS, COURSE = 0.35, 0.45  # chance that the disease stays, or takes its course; else it is any, that one too
SHORTEST, LONGEST = 20, 60  # steps
BEGIN = date(2020, 1, 1)
MAPPING = """[[tables]]
file = "histories.csv"
subject = "patient"
time = "day"
timezone = "UTC"
code = "code"
kind = "event"

[[tables]]
file = "patients.csv"
subject = "patient"
label = "outcome"
"""


@dataclass(frozen=True, slots=True)
class Histories:
    """What is true of N patients; steps beyond a patient's length are drawn and not written."""

    length: Array  # int64 "N"
    disease: Array  # int64 "N LONGEST"
    rank: Array  # int64 "N LONGEST": which of the disease's codes, 0 the commonest
    nats: Array  # float64 "N": minus the log-probability of all codes but the first, given those before each
    risk: Array  # float64 "N"
    outcome: Array  # bool "N"


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes histories.csv (patient, day, code), patients.csv (patient, outcome), sequela.toml and truth.csv."""
    found = drawn(subjects, seed)
    rows = ["patient,day,code"]
    for patient in range(subjects):
        days = np.cumsum(streams.generator(seed, "histories", "days", patient).integers(1, 45, found.length[patient]))
        steps = zip(days.tolist(), found.disease[patient], found.rank[patient], strict=False)
        rows += [f"{patient + 1},{BEGIN + timedelta(days=day)},{code(disease, rank)}" for day, disease, rank in steps]
        progress("histories", patient + 1, subjects)
    outcomes = [f"{k + 1},{int(had)}" for k, had in enumerate(found.outcome)]
    truth = [
        f"{k + 1},{found.length[k] - 1},{found.nats[k]:.6f},{found.risk[k]:.6f},{int(found.outcome[k])}" for k in range(subjects)
    ]
    (folder / "histories.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    (folder / "patients.csv").write_text("\n".join(["patient,outcome", *outcomes]) + "\n", encoding="ascii")
    (folder / "truth.csv").write_text("\n".join(["patient,codes,nats,risk,outcome", *truth]) + "\n", encoding="ascii")
    (folder / "sequela.toml").write_text(MAPPING, encoding="ascii")


def code(disease: int, rank: int) -> str:
    """The name of a code. It does not tell its disease: the numbers are shuffled over all."""
    return f"DX//{_numbers()[disease * CODES + rank]:03d}"


def drawn(subjects: int, seed: int) -> Histories:
    """The patients of this seed; the first of them are the same however many are drawn."""
    each = [streams.generator(seed, "histories", "patient", patient).random(2 + 3 * LONGEST) for patient in range(subjects)]
    chance = np.array(each).reshape(subjects, 2 + 3 * LONGEST)
    length = SHORTEST + (chance[:, 0] * (LONGEST - SHORTEST + 1)).astype(np.int64)
    turn, which, rank = chance[:, 2:].reshape(subjects, 3, LONGEST).transpose(1, 0, 2)
    disease = _diseases(turn, which)
    ranks = np.searchsorted(np.cumsum(shares()), rank).clip(max=CODES - 1)
    here = np.arange(LONGEST) < length[:, None]
    foreseen = here & (np.arange(LONGEST) > 0)
    surprise = -np.log(_chance(disease) * shares()[ranks])
    share = ((disease < GRAVE) & here).sum(1) / length
    risk = expit(-1 + 16 * (share - GRAVE / DISEASES))
    return Histories(length, disease, ranks, (surprise * foreseen).sum(1), risk, chance[:, 1] < risk)


def shares() -> Array:
    """How often each code stands for its disease, the commonest first (Zipf)."""
    share = 1 / np.arange(1, CODES + 1)
    return np.asarray(share / share.sum())


@cache
def courses() -> Array:
    """The disease that follows each pair of the one before and the one now, int64 "DISEASES DISEASES"; the same in every set."""
    return streams.generator(0, "histories", "courses").integers(0, DISEASES, (DISEASES, DISEASES))


@cache
def _numbers() -> Array:
    return streams.generator(0, "histories", "numbers").permutation(DISEASES * CODES)


def _diseases(turn: Array, which: Array) -> Array:
    found = np.empty(turn.shape, np.int64)
    any_ = (which * DISEASES).astype(np.int64)
    found[:, 0] = any_[:, 0]
    for step in range(1, turn.shape[1]):
        now = found[:, step - 1]
        course = courses()[found[:, max(step - 2, 0)], now]
        taken = np.where(turn[:, step] < STAYS + COURSE, course, any_[:, step])
        found[:, step] = np.where(turn[:, step] < STAYS, now, taken)
    return found


def _chance(disease: Array) -> Array:
    """The probability of each step's disease given the two before it; 1 at the first step."""
    before, now, after = disease[:, np.r_[0, 0 : disease.shape[1] - 2]], disease[:, :-1], disease[:, 1:]
    chance = STAYS * (after == now) + COURSE * (after == courses()[before, now]) + (1 - STAYS - COURSE) / DISEASES
    return np.hstack([np.ones((len(disease), 1)), chance])


def bound(folder: Path, patients: Collection[str] | None = None) -> float:
    """The perplexity of one who knows the chain, over these patients (all): what no model can be below but by luck."""
    import polars as pl

    truth = pl.read_csv(folder / "truth.csv", schema_overrides={"patient": pl.String})
    chosen = truth if patients is None else truth.filter(pl.col("patient").is_in(list(patients)))
    return float(np.exp(chosen["nats"].to_numpy().sum() / chosen["codes"].to_numpy().sum()))
