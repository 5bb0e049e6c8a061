"""What is told of the steps that a row judges: when or where each was, which class it is, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sequela import config
from sequela.contracts import Evidence
from sequela.study import lettered, steps
from sequela.types import Answer, Cohort, Places


def told(names: Sequence[str], rows: Evidence, cohort: Cohort, answer: Answer) -> list[list[dict[str, Any]]]:
    """Of each row its steps, in order: where they are, `decision`, and `probabilities` by name.

    A step is at a `time` (UTC, to the millisecond), or, of a sequence, from the letter `begin` up to, not with, `end`.
    """
    ((name, ragged),) = rows.inputs.items()
    tags = rows.target.dense
    if tags.letters and ragged.places is not None:
        where = _letters(ragged.places)
    else:
        moments = steps.cohort(cohort, tags, ragged, rows.specs[name]).start.astype("datetime64[ms]")
        where = [{"time": None if np.isnat(moment) else f"{moment}Z"} for moment in moments]
    found: list[list[dict[str, Any]]] = [[] for _ in range(len(cohort))]
    for row, place, values in zip(tags.row, where, answer.values, strict=True):
        chances = dict(zip(names, map(float, values), strict=True))
        found[row].append({**place, "decision": max(chances, key=chances.__getitem__), "probabilities": chances})
    return found


def letters(names: Sequence[str], rows: Evidence, outcome: config.Outcome, answer: Answer) -> list[str]:
    """Of each row the classes of its letters, written as its label would be; "" where steps are no letters."""
    (ragged,) = rows.inputs.values()
    if not rows.target.dense.letters or ragged.places is None:
        return [""] * len(ragged)
    return lettered.written(outcome, names, answer.values.argmax(1), ragged.places)


def _letters(places: Places) -> list[dict[str, Any]]:
    return [{"begin": begin, "end": end} for begin, end in zip(places.begin.tolist(), places.end.tolist(), strict=True)]
