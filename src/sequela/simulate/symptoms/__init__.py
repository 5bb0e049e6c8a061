"""What patients write of their symptoms, of which we know the condition, and how sure anybody can be of it who reads the text.

A condition causes each symptom with its planted frequency. A symptom that is there is told nearly always, one that is not is
denied now and then; both by one of several phrases. What others have, and what is over, is drawn from the remaining symptoms by
lot, and says nothing. So the chance of every condition given the text is known by Bayes' rule: truth.csv holds what one who knows
the table would say first, second and third, and how sure of it. The sentences of test texts stand in no training text.
Reader: text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.simulate.symptoms.medicine import DIAGNOSES, NAMES, SYMPTOMS, chances, prior
from sequela.simulate.symptoms.sentences import ASIDES, OPENINGS, PARTS, Kind
from sequela.types import Array, Part

SPLIT: tuple[Part, ...] = ("train",) * 14 + ("tune",) * 3 + ("test",) * 3  # of every twenty patients
TOLD, DENIED = 0.9, 0.08  # chance that a symptom that is there is told, and that one that is not is denied
TOGETHER = 3  # symptoms in a sentence, at most


@dataclass(frozen=True, slots=True)
class Patient:
    """What is true of a patient, and what the text tells of it."""

    part: Part
    diagnosis: int
    has: tuple[int, ...]  # symptoms told
    denied: tuple[int, ...]
    other: tuple[int, ...]  # somebody else's
    past: tuple[int, ...]

    def posterior(self) -> Array:
        """The chance of each condition given what the text tells, float64 "40" (Bayes)."""
        rate = chances()
        of_each = rate * (1 - TOLD) + (1 - rate) * (1 - DENIED)
        has, denied = list(self.has), list(self.denied)
        of_each[:, has], of_each[:, denied] = rate[:, has] * TOLD, (1 - rate[:, denied]) * DENIED
        joint = prior() * of_each.prod(1)
        return np.asarray(joint / joint.sum())


@dataclass(frozen=True, slots=True)
class Record:
    """A text, and where it tells of symptoms that the patient has."""

    text: str
    evidence: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    has: tuple[tuple[int, int, int], ...] = ()  # begin, end and number of each symptom that the patient has


@dataclass(frozen=True, slots=True)
class Bound:
    """What one who knows the table gets."""

    top1: float
    top3: float


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes symptoms.jsonl (subject, text, diagnosis, part, evidence) and truth.csv."""
    lines, truth = [], io.StringIO()
    table = csv.writer(truth, lineterminator="\n")
    table.writerow(["subject", "diagnosis", "part", "first", "second", "third", "chance", "chance_of_three"])
    for number in range(subjects):
        patient, record = drawn(number, seed), written(number, seed)
        said = {"subject": str(number + 1), "text": record.text, "diagnosis": DIAGNOSES[patient.diagnosis], "part": patient.part}
        lines.append(json.dumps({**said, "evidence": [list(one) for one in record.evidence]}))
        chance = patient.posterior()
        best = np.argsort(-chance, kind="stable")[:3]
        three = [f"{chance[best[0]]:.6f}", f"{chance[best].sum():.6f}"]
        table.writerow([number + 1, DIAGNOSES[patient.diagnosis], patient.part, *(DIAGNOSES[k] for k in best), *three])
        progress("symptoms", number + 1, subjects)
    (folder / "symptoms.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "truth.csv").write_text(truth.getvalue(), encoding="utf-8")


def drawn(number: int, seed: int) -> Patient:
    """What is true of a patient of this seed; the first are the same however many are drawn."""
    random = streams.generator(seed, "symptoms", "patient", number)
    while True:  # whoever has nothing to tell does not write; what is known of the others stays as it is
        diagnosis = int(random.choice(len(DIAGNOSES), p=prior()))
        there = random.random(len(NAMES)) < chances()[diagnosis]
        said = random.random(len(NAMES)) < np.where(there, TOLD, DENIED)
        has, denied = np.flatnonzero(there & said), np.flatnonzero(~there & said)
        if len(has):
            break
    left = random.permutation(np.flatnonzero(~said))
    cut, end = random.integers(0, 3), random.integers(0, 5)
    parts = has, denied, left[:cut], left[cut:end]
    return Patient(SPLIT[number % len(SPLIT)], diagnosis, *(tuple(random.permutation(one).tolist()) for one in parts))


def written(number: int, seed: int) -> Record:
    """What the patient writes."""
    patient, random = drawn(number, seed), streams.generator(seed, "symptoms", "text", number)
    groups: tuple[tuple[Kind, Sequence[int]], ...] = (
        *(("has", patient.has), ("denied", patient.denied), ("other", patient.other), ("past", patient.past)),
    )
    asked = [(kind, some) for kind, symptoms in groups for some in _dealt(symptoms, random)]
    said = [_sentence(asked[k][0], asked[k][1], patient.part, random) for k in random.permutation(len(asked))]
    first, last = (_Sentence(ASIDES[k]) for k in random.choice(len(ASIDES), 2, replace=False))
    opening = _Sentence(OPENINGS[int(random.integers(len(OPENINGS)))].format(age=random.integers(18, 90)))
    return _joined([opening, first, *said, last])


def _joined(sentences: Sequence[_Sentence]) -> Record:
    text, evidence = "", []
    for one in sentences:
        text += " " if text and one.text else ""
        evidence += [(len(text) + begin, len(text) + end, NAMES[symptom]) for begin, end, symptom in one.has]
        text += one.text
    return Record(text, tuple(evidence))


def _dealt(symptoms: Sequence[int], random: np.random.Generator) -> list[Sequence[int]]:
    """The symptoms of each sentence."""
    found, rest = [], symptoms
    while rest:
        count = int(random.integers(1, TOGETHER + 1))
        found.append(rest[:count])
        rest = rest[count:]
    return found


def _sentence(kind: Kind, symptoms: Sequence[int], part: Part, random: np.random.Generator) -> _Sentence:
    """One that says this of these symptoms."""
    templates = PARTS[part][kind]
    before, after = templates[int(random.integers(len(templates)))].split("{s}")
    text, marks = before, []
    for k, symptom in enumerate(symptoms):
        if k:
            text += (" or " if kind == "denied" else " and ") if k == len(symptoms) - 1 else ", "
        phrases = SYMPTOMS[NAMES[symptom]]
        phrase = phrases[int(random.integers(len(phrases)))]
        marks.append((len(text), len(text) + len(phrase), symptom))
        text += phrase
    return _Sentence(text + after, tuple(marks) if kind == "has" else ())


def bound(folder: Path, subjects: Collection[str] | None = None) -> Bound:
    """How often the true condition is the likeliest, or among the likeliest three, for one who knows the table.

    Over these subjects (all): what no reader of the texts can better but by luck.
    """
    import polars as pl

    truth = pl.read_csv(folder / "truth.csv", schema_overrides={"subject": pl.String})
    chosen = truth if subjects is None else truth.filter(pl.col("subject").is_in(list(subjects)))
    hits = [(chosen[column] == chosen["diagnosis"]).to_numpy() for column in ("first", "second", "third")]
    return Bound(float(hits[0].mean()), float(np.any(hits, 0).mean()))
