"""A label for each letter of a sequence: secondary structure, signal peptides, anything that is told residue by residue.

The label of a row is one text, LABEL//<column>, with a letter for each letter of its sequence; `outcome.classes` gathers them.
`-` and ` ` mean that nothing is known of a letter, unless a class lists them. Such rows need no time: letters are found by their
place. A row whose label is not as long as its sequence cannot be asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.residues.record import SEQUENCE
from sequela.study import labels
from sequela.study.records import Records
from sequela.study.stamped import own
from sequela.types import Array, Cohort, Letters, Places, Tags, Target

UNKNOWN = "- "  # what stands for a letter of which nobody told
DIFFERENT = "two different labels"
OTHER_LENGTH = "its label has not one letter for each letter of its sequence"


def read(
    store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool
) -> tuple[Target, dict[str, Array], dict[str, int]]:
    """The labels of these rows; which rows (bool "N") cannot be asked, by reason; and what a user should know of the labels.

    Raises ConfigError for an outcome that is not one column of such labels, DataError where the data has none of that name. With
    `labelled` False labels that are not there are unknown.
    """
    code = _code(outcome)
    if labelled and code not in store.kinds:
        present = [one.removeprefix("LABEL//") for one, kind in store.kinds.items() if kind == "label"]
        raise DataError(f"the data has no label column {outcome.column!r}", hint=nearest(str(outcome.column), present))
    told = own(store.events([code]), rows).select("row", text="text_value").drop_nulls().unique(maintain_order=True)
    twofold = np.bincount(told["row"].to_numpy(), minlength=len(rows)) > 1
    odd = ~twofold & _of_other_length(store, rows, told)
    text = _texts(told.filter(~pl.Series(twofold | odd)[told["row"]]), len(rows))
    letters, names, unlisted = _laid(text, outcome.classes)
    known = letters.value >= 0
    count = np.bincount(np.repeat(np.arange(len(rows)), np.diff(letters.offsets))[known], minlength=len(rows))
    target = Target(count.astype(np.float64)[:, None], (count > 0)[:, None], names, letters)
    return target, {DIFFERENT: twofold, OTHER_LENGTH: odd}, {"labels that no class gathers": unlisted} if unlisted else {}


def _code(outcome: config.Outcome) -> str:
    """Raises ConfigError where the outcome is not one column of labels, with its classes, each of single letters."""
    alone = config.Outcome(column=outcome.column, classes=outcome.classes, letters=True)
    if not isinstance(outcome.column, str) or not outcome.column or outcome != alone:
        raise ConfigError(
            "the outcome by letters is one column of labels and its classes", hint='outcome = { column = "q8", letters = true }'
        )
    given = labels.gathered([], outcome.classes)
    if long := [raw for raws in given.values() for raw in raws if len(raw) != 1]:
        raise ConfigError(
            f"outcome.classes lists {long[0]!r}, and a label by letters is one letter",
            hint='classes = { H = ["H", "G", "I"], … }',
        )
    return f"LABEL//{outcome.column}"


def _of_other_length(store: Records, rows: Cohort, told: pl.DataFrame) -> Array:
    """Whether a row has sequences, and none of them is as long as its label, bool "N"."""
    codes = [code for code in store.kinds if code.startswith(f"{SEQUENCE}//")]
    held = own(store.events(codes), rows).select("row", letters=pl.col("text_value").str.len_chars())
    lengths = told.select("row", labels=pl.col("text").str.len_chars())
    each = lengths.join(held, on="row").group_by("row").agg((pl.col("letters") != pl.col("labels")).all().alias("odd"))
    found = np.zeros(len(rows), bool)
    found[each["row"].to_numpy()] = each["odd"].to_numpy()
    return found


def _texts(told: pl.DataFrame, rows: int) -> list[str]:
    """The label of each row, "" where it has none."""
    found = [""] * rows
    for row, text in told.iter_rows():
        found[row] = text
    return found


def _laid(texts: Sequence[str], classes: labels.Classes) -> tuple[Letters, tuple[str, ...], int]:
    """The labels as places in the names of the classes, these names, and how many letters no class gathers."""
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    point = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    distinct, letter = np.unique(point, return_inverse=True)
    raws = [chr(one) for one in distinct]
    gathered = labels.gathered([raw for raw in raws if raw not in UNKNOWN], classes)
    place = _places(gathered)
    value = np.array([place.get(raw, -1) for raw in raws], np.int64)
    unlisted = np.array([raw not in place and raw not in UNKNOWN for raw in raws], bool)
    return Letters(offsets, value[letter]), tuple(gathered), int(unlisted[letter].sum())


def _places(gathered: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {raw: place for place, raws in enumerate(gathered.values()) for raw in raws}


def tags(letters: Letters, places: Places) -> Tags:
    """The label of each step: of the letters that it stands for the middle one's; of two, the first's.

    A row whose sequence is not as long as its label has none.
    """
    row = np.repeat(np.arange(len(places)), np.diff(places.offsets))
    count = np.diff(letters.offsets)
    fits = count == np.array([len(text) for text in places.texts], np.int64)
    where = np.where(fits[row], letters.offsets[row] + middle(places.begin, places.end), -1)
    return Tags(places.offsets, np.append(letters.value, -1)[where], np.ones(len(row), bool), letters=True)


def written(outcome: config.Outcome, names: Sequence[str], said: Array, places: Places) -> list[str]:
    """What is said of each step (int64 "S": a place in names) as texts like the labels, one a row, of as many letters.

    A class is written as the first letter that it gathers; a letter of which no step tells, as one that is not known.
    """
    gathered = labels.gathered(names, outcome.classes)
    marks = np.array([gathered[name][0] for name in names])
    none = next(mark for mark in (*UNKNOWN, "?") if mark not in marks)
    return [_written(marks[said[steps]], steps, places, row, none) for row, steps in enumerate(_steps(places))]


def _steps(places: Places) -> list[slice]:
    return [slice(begin, end) for begin, end in pairwise(places.offsets.tolist())]


def _written(letters: Array, steps: slice, places: Places, row: int, none: str) -> str:
    found = np.full(len(places.texts[row]), none)
    found[middle(places.begin[steps], places.end[steps])] = letters
    return "".join(found.tolist())


def middle(begin: Array, end: Array) -> Array:
    """The letter that a step is labelled by; of an even number the one before the middle."""
    return np.asarray((begin.astype(np.int64) + end - 1) // 2)
