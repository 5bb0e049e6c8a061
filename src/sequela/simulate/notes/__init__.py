"""Clinical notes in English and Chinese of which we know what is true: the codes, how the course is, and where it says so.

A note names conditions, and tells of the course of a treatment. Its codes (ICD-10-CM) are those that it says the patient has now.
In an easy note everything that is named is true. In a hard one exactly half of the conditions that are named are: the others are
denied, of the family, over, or thought of, and which half is which was drawn by lot. So the words of a hard note, in whatever
order, tell nothing of which of the conditions that it names are true; nor, of the two words about the course, which one holds.
What does is where they stand.

The sentences of test notes stand in no training note (grammar.py), and some names of conditions neither. The same patients have a
note in each language. Reader: text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.simulate.notes import chinese, english
from sequela.simulate.notes.conditions import CONDITIONS
from sequela.simulate.notes.grammar import STATUSES, Status
from sequela.simulate.notes.writing import Note, Patient, Writer
from sequela.types import Part

PARTS: tuple[Part, ...] = ("train",) * 12 + ("tune",) * 3 + ("test",) * 5  # of every twenty patients
MOST = 4  # conditions that are true of a patient
HARD = (4, 6)  # conditions that a hard note names
CHANCES = (0.4, 0.2, 0.2, 0.2)  # of STATUSES
POLARITY = ("negative", "negative", "neutral", "positive", "positive")  # of the ratings 1 to 5
WRITERS: Mapping[str, Writer] = {
    "en": Writer(english.GRAMMAR, tuple(one.english for one in CONDITIONS)),
    "zh": Writer(chinese.GRAMMAR, tuple(one.chinese for one in CONDITIONS)),
}


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes notes_en.jsonl and notes_zh.jsonl, a note of each patient in a line, and truth.csv."""
    lines: dict[str, list[str]] = {language: [] for language in WRITERS}
    truth: list[dict[str, Any]] = []
    for number in range(subjects):
        patient = drawn(number, seed)
        for language in WRITERS:
            told = _told(number, patient, written(patient, number, seed, language))
            lines[language].append(json.dumps(told, ensure_ascii=False))
        truth.append({"subject": number + 1, **_truth(patient), "named": _codes([k for k, _ in patient.absent])})
        progress("notes", number + 1, subjects)
    for language, notes in lines.items():
        (folder / f"notes_{language}.jsonl").write_text("\n".join(notes) + "\n", encoding="utf-8")
    (folder / "truth.csv").write_text(_table(truth), encoding="utf-8")


def drawn(number: int, seed: int) -> Patient:
    """What is true of a patient of this seed; the first are the same however many are drawn."""
    random = streams.generator(seed, "notes", "patient", number)
    hard = bool(random.random() < 0.5)
    share = 1 / (np.arange(len(CONDITIONS)) + 10)
    count = int(random.choice(HARD)) if hard else int(random.integers(1, MOST + 1))
    named = random.choice(len(CONDITIONS), count, replace=False, p=share / share.sum())
    named = random.permutation(named)  # what was drawn first is common: its place must tell nothing
    true = count // 2 if hard else count
    status = random.choice(len(STATUSES), count - true, p=CHANCES)
    absent = tuple(_absent(int(k), int(which)) for k, which in zip(named[true:], status, strict=True))
    rating, other = random.permutation(5)[:2] + 1
    return Patient(PARTS[number % len(PARTS)], hard, tuple(named[:true].tolist()), absent, int(rating), int(other))


def _absent(condition: int, status: int) -> tuple[int, Status]:
    return condition, STATUSES[status]


def written(patient: Patient, number: int, seed: int, language: str) -> Note:
    """The patient's note in English ("en") or Chinese ("zh")."""
    return WRITERS[language].note(patient, streams.generator(seed, "notes", language, number))


def _told(number: int, patient: Patient, note: Note) -> dict[str, Any]:
    """A line of the file of notes."""
    return {"subject": str(number + 1), "text": note.text, **_truth(patient)} | {
        "template": " | ".join(note.templates),
        "evidence": [list(one) for one in note.evidence],
    }


def _truth(patient: Patient) -> dict[str, Any]:
    return {
        "codes": _codes(patient.present),
        "polarity": POLARITY[patient.rating - 1],
        "rating": patient.rating,
        "part": patient.part,
        "hard": "yes" if patient.hard else "no",
    }


def _codes(conditions: Iterable[int]) -> str:
    return ";".join(sorted(CONDITIONS[k].code for k in conditions))


def _table(rows: list[dict[str, Any]]) -> str:
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue()
