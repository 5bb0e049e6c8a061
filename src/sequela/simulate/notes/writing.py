"""From what is true of a patient to a note: sentences dealt from a grammar, and where each condition that is true is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sequela.simulate.notes.conditions import CONDITIONS
from sequela.simulate.notes.grammar import STATUSES, Grammar, Status, Templates
from sequela.types import Part

MIXED = 0.4  # chance that a sentence names what is true beside what is not, where both are left to be named
TOGETHER = 3  # conditions in one place of a sentence, at most
UNSEEN = 0.15  # share of the names in test notes that no training note has
_SLOT = re.compile(r"\{(\w)\}")


@dataclass(frozen=True, slots=True)
class Patient:
    """What is true of one patient, whatever the language of the note."""

    part: Part
    hard: bool
    present: tuple[int, ...]  # places in CONDITIONS
    absent: tuple[tuple[int, Status], ...]  # named in the note, and not the patient's
    rating: int  # 1 to 5: how the course is
    other: int  # the rating that a hard note says it is not


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its planted evidence."""

    text: str
    evidence: tuple[tuple[int, int, str], ...]  # begin and end in characters, and the code that is named there
    templates: tuple[str, ...]  # the sentences about conditions and the course, as the grammar has them


@dataclass
class _Sheet:
    """A note as it is written."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    evidence: list[tuple[int, int, str]] = field(default_factory=list)

    def write(self, text: str, code: str = "") -> None:
        if code:
            self.evidence.append((self.length, self.length + len(text), code))
        self.parts.append(text)
        self.length += len(text)


@dataclass(frozen=True, slots=True)
class _Sentence:
    template: str
    present: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    status: Status | None = None  # of the absent ones


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the notes of one language."""

    grammar: Grammar
    names: tuple[tuple[str, ...], ...]  # of each of CONDITIONS; the last is kept for test

    def note(self, patient: Patient, random: np.random.Generator) -> Note:
        """The note of a patient. Which condition is true plays no part in anything but the place in which it is named."""
        templates, sheet = self.grammar.parts[patient.part], _Sheet()
        sentences = list(_dealt(patient, templates, random))
        asides = [_Sentence(self.grammar.aside[k]) for k in random.permutation(len(self.grammar.aside))[: random.integers(2, 5)]]
        order = random.permutation(len(sentences) + len(asides))
        sheet.write(_pick(self.grammar.opening, random).format(age=random.integers(25, 90)) + "\n" + self.grammar.titles[0])
        for k in order:
            sheet.write(self.grammar.space)
            self._write(([*sentences, *asides])[k], patient, sheet, random)
        sheet.write("\n" + self.grammar.titles[1] + self.grammar.space)
        course = self._course(patient, templates, sheet, random)
        return Note("".join(sheet.parts), tuple(sheet.evidence), (*(one.template for one in sentences), course))

    def _write(self, sentence: _Sentence, patient: Patient, sheet: _Sheet, random: np.random.Generator) -> None:
        """One sentence about conditions, its first letter a capital."""
        begin = len(sheet.parts)
        for k, piece in enumerate(_SLOT.split(sentence.template)):
            if k % 2 == 0:
                sheet.write(piece)
            elif piece == "p":
                self._list(sentence.present, self.grammar.both, sheet, self._named(patient, random), marked=True)
            else:
                joined = self.grammar.either if sentence.status in ("negated", "hypothetical") else self.grammar.both
                self._list(sentence.absent, joined, sheet, self._named(patient, random), marked=False)
        first = next(k for k in range(begin, len(sheet.parts)) if sheet.parts[k])
        sheet.parts[first] = sheet.parts[first][0].upper() + sheet.parts[first][1:]

    def _list(self, conditions: Sequence[int], last: str, sheet: _Sheet, named: Iterator[float], *, marked: bool) -> None:
        for k, condition in enumerate(conditions):
            if k:
                sheet.write(last if k == len(conditions) - 1 else self.grammar.comma)
            names = self.names[condition]
            chance = next(named)
            name = names[-1] if chance < 0 else names[int(chance * (len(names) - 1))]
            sheet.write(name, CONDITIONS[condition].code if marked else "")

    def _named(self, patient: Patient, random: np.random.Generator) -> Iterator[float]:
        """For each condition in turn which of its names is taken: from 0 to 1 one of those in training, below 0 the other."""
        while True:
            unseen = patient.part == "test" and random.random() < UNSEEN
            yield -1.0 if unseen else float(random.random())

    def _course(self, patient: Patient, templates: Templates, sheet: _Sheet, random: np.random.Generator) -> str:
        template = _pick(templates.turned if patient.hard else templates.plain, random)
        said = {
            "t": _pick(self.grammar.topics, random),
            "x": self._level(patient.rating, random),
            "y": self._level(patient.other, random),
        }
        text = template.format(**said)
        sheet.write(text[0].upper() + text[1:])
        return template

    def _level(self, rating: int, random: np.random.Generator) -> str:
        """The course in words."""
        return _pick(self.grammar.very, random) + self.grammar.space + _pick(self.grammar.levels[rating - 1], random)


def _dealt(patient: Patient, templates: Templates, random: np.random.Generator) -> Iterator[_Sentence]:
    """Sentences that name every condition once, those that are true and those that are not in any order."""
    present, absent = list(patient.present), sorted(patient.absent, key=lambda one: STATUSES.index(one[1]))
    while present or absent:
        if present and absent and random.random() < MIXED:
            condition, status = absent.pop(random.integers(len(absent)))
            taken = _taken(present, int(random.integers(1, 3)))
            yield _Sentence(_pick(templates.mixed[status], random), taken, (condition,), status)
        elif present and random.random() < len(present) / (len(present) + len(absent)):
            yield _Sentence(_pick(templates.present, random), _taken(present, int(random.integers(1, TOGETHER + 1))))
        elif absent:
            status = absent[0][1]
            alike = [condition for condition, other in absent if other == status][: random.integers(1, TOGETHER + 1)]
            absent = [one for one in absent if one[0] not in alike]
            yield _Sentence(_pick(templates.absent[status], random), (), tuple(alike), status)


def _taken(conditions: list[int], count: int) -> tuple[int, ...]:
    """The first so many, which are gone from the list then."""
    taken = tuple(conditions[:count])
    del conditions[:count]
    return taken


def _pick(several: Sequence[str], random: np.random.Generator) -> str:
    return several[int(random.integers(len(several)))]
