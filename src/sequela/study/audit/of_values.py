"""Whether one value of a column settles the answer: a discharge to the morgue, which few rows have, tells little by its AUROC."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sequela.study.audit.asked import Asked, questions
from sequela.study.audit.material import Material
from sequela.types import Array

SEEN, MANY = 0.05, 50  # share of the training rows, and subjects, that must have a value
CHANCE = np.log(1e-6)  # of so many in a row having the event, or none: below it a value is certain


def certain(material: Material) -> list[str]:
    """The values (or presence, or absence) with which every training row has the event, as "name = value (rows)".

    Of a yes-or-no question also those with which no row has it: of several classes or causes that is often honest.
    """
    rows = np.flatnonzero(material.train)
    if material.kind == "regression" or len(rows) < MANY:
        return []
    asked = list(questions(material, rows))
    none_too = material.kind == "binary"
    return [f"{name} ({int(here.sum())} rows)" for name, here in _values(material, rows) if _settled(here, asked, none_too)]


def _values(material: Material, rows: Array) -> Iterator[tuple[str, Array]]:
    """Each value that many of the rows have, by name, and which have it, bool "n"."""
    least = max(MANY, SEEN * len(rows))
    for number, name in enumerate(material.plain.names):
        column = material.plain.values[rows, number]
        missing = np.isnan(column)
        if least <= missing.sum() < len(rows):
            yield f"{name} missing", missing
        value, count = np.unique(column[~missing], return_counts=True)
        for one in value[(count >= least) & (count < len(rows))].tolist():
            yield f"{name} = {one:.6g}", column == one
    for block in material.plain.counts:
        present = (block.values[rows] > 0).tocsc()
        often = np.diff(present.indptr)
        for number in np.flatnonzero((often >= least) & (often < len(rows))).tolist():
            here = np.zeros(len(rows), bool)
            here[present.indices[present.indptr[number] : present.indptr[number + 1]]] = True
            yield f"{block.names[number]} present", here


def _settled(here: Array, asked: list[Asked], none_too: bool) -> bool:
    return any(_beyond_chance(*_counts(here, one), none_too) for one in asked)


def _counts(here: Array, asked: Asked) -> tuple[int, int, float]:
    """How many known have the value, and how many of them the event; the share of the event in all. Of persons, as `Asked` is."""
    label = asked.label == 1
    if asked.person is None:
        among = here & asked.known
        return int(among.sum()), int((among & label).sum()), float(label[asked.known].mean()) if asked.known.any() else 0.0
    person = np.unique(asked.person[here & asked.known])
    everybody = np.unique(asked.person[asked.known])
    return len(person), int((person % 2).sum()), float((everybody % 2).mean()) if len(everybody) else 0.0


def _beyond_chance(count: int, events: int, share: float, none_too: bool) -> bool:
    """Whether all of so many, or none, have an event of this share among all, and chance would not give it (binomial)."""
    if count < MANY or not 0 < share < 1:
        return False
    every, none = events == count, none_too and events == 0
    return bool((every and count * np.log(share) < CHANCE) or (none and count * np.log1p(-share) < CHANCE))
