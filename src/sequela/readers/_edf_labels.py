"""Which annotations of an EDF+ file are labels, by patterns of their text, and at which moments they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.readers import _signals
from sequela.readers._edf_annotations import Annotation

Patterns = Mapping[str, re.Pattern[str]]  # column -> what its texts are like


@dataclass(frozen=True, slots=True)
class _Mark:
    """An annotation at one moment."""

    seconds: float
    column: str  # "" where it is no label
    text: str
    duration: float


def patterns(labels: Mapping[str, str]) -> Patterns:
    """Expressions for texts such as "Sleep stage *", or alternatives "Obstructive apnea|Hypopnea", in letters of any case.

    >>> patterns({"stage": "Sleep stage *"})["stage"].fullmatch("sleep stage N2")[1]
    'N2'
    """
    return {column: re.compile("|".join(map(_expression, text.split("|"))), re.IGNORECASE) for column, text in labels.items()}


def annotated(found: Sequence[Annotation], begin: float, labels: Patterns, every: float) -> _signals.Annotations:
    """Annotations of a recording that begins so many seconds after its file.

    A label is what the * of its pattern stands for, or the whole text, and holds once each `every` seconds of its duration (0:
    at its onset alone).
    """
    marks = [mark for one in found for mark in _marks(one, begin, labels, every)]
    return _signals.annotated(
        np.array([mark.seconds for mark in marks]),
        [mark.text for mark in marks],
        column=[mark.column for mark in marks],
        duration=np.array([mark.duration for mark in marks]),
    )


def _expression(alternative: str) -> str:
    return r"\s*" + "(.+)".join(re.escape(part) for part in alternative.strip().split("*")) + r"\s*"


def _marks(one: Annotation, begin: float, labels: Patterns, every: float) -> Iterator[_Mark]:
    seconds, duration = one.onset - begin, one.duration if one.duration is not None else np.nan
    told = {column: found for column, pattern in labels.items() if (found := pattern.fullmatch(one.text))}
    if not told:
        yield _Mark(seconds, "", one.text, duration)
    for column, found in told.items():
        text = next((group.strip() for group in found.groups() if group), one.text)
        for number in range(_epochs(one.duration, every)):
            yield _Mark(seconds + number * every, column, text, np.nan)


def _epochs(duration: float | None, every: float) -> int:
    """How many epochs begin within a duration; the first always does."""
    return max(1, round(duration / every)) if every and duration else 1
