"""Classes judged once more as fewer: eight kinds of structure as helix, strand and coil. An answer's chances are added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sequela.errors import ConfigError
from sequela.evaluate import segments
from sequela.evaluate.question import Question
from sequela.metrics import threshold
from sequela.types import Along, Array

ACCURACY, SOV = "gathered_accuracy", "gathered_sov"


@dataclass(frozen=True, slots=True)
class Classes:
    """Fewer classes, and which of them each of the task's is."""

    names: tuple[str, ...]
    place: Array  # int64 "K"

    def of(self, probability: Array) -> Array:
        """The class decided of each row, int64 "N", of the chances "N K" of the task's classes."""
        return np.asarray((probability @ np.eye(len(self.names))[self.place]).argmax(1))


def classes(given: Mapping[str, Sequence[str]], names: Sequence[str]) -> Classes | None:
    """None where nothing is gathered. Raises ConfigError unless each of the task's classes is in one of the fewer."""
    if not given:
        return None
    listed = [name for held in given.values() for name in held]
    if sorted(listed) != sorted(names):
        odd = sorted(set(listed) ^ set(names)) or [name for name in names if listed.count(name) > 1]
        raise ConfigError(
            f"evaluate.gathered lists each class once, and {odd[0]!r} is not", hint=f"the classes are {', '.join(names)}"
        )
    return Classes(tuple(given), np.array([[name in held for held in given.values()].index(True) for name in names], np.int64))


def questions(
    model: str, told: Classes, probability: Array, truth: Array, along: Along | None, rows: Array
) -> Iterator[Question]:
    """The share of these rows whose class is right among the fewer; of letters also their segment overlap.

    truth: int64, of the task's own classes.
    """
    called, true = told.of(probability), told.place[truth]
    reason = "" if len(rows) else "no rows"
    right = partial(threshold.accuracy, called, true)
    yield Question(model, ACCURACY, "", rows, right, denominator=np.ones(len(rows), bool), reason=reason)
    if along is not None:
        yield from segments.questions(model, told.names, called, true, along, rows, metric=SOV)
