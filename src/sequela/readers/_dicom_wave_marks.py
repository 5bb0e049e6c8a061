"""Annotations of DICOM waveforms: what a person or the device says of a moment, a segment or all of a recording.

Source: DICOM PS3.3, C.10.10 (waveform annotation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.readers._dicom_elements import items, text, word
from sequela.readers._dicom_waves import MEANING, VALUE, Group
from sequela.readers._signals import Annotations, annotated

ANNOTATIONS = 0x0040B020
SAID, NAME, MEANT, NUMBER, UNIT = 0x00700006, 0x0040A043, 0x0040A168, 0x0040A30A, 0x004008EA
CHANNELS, RANGE, POSITIONS, OFFSETS, DATES = 0x0040A0B0, 0x0040A130, 0x0040A132, 0x0040A138, 0x0040A13A


@dataclass(frozen=True, slots=True)
class _Mark:
    seconds: float  # since the first sample of the recording
    symbol: str
    text: str
    duration: float


def marks(data: Any, found: Sequence[Group]) -> Annotations:
    """The annotations of these groups; one that names no moment is of the first sample.

    Those of groups that are not there, and those placed by a date, are left out.
    """
    listed = [mark for item in items(data, ANNOTATIONS) for mark in _marks(item, found)]
    return annotated(
        np.array([mark.seconds for mark in listed]),
        [mark.symbol for mark in listed],
        text=[mark.text for mark in listed],
        duration=np.array([mark.duration for mark in listed]),
    )


def _marks(item: Any, found: Sequence[Group]) -> Iterator[_Mark]:
    group, symbol = _group(item, found), _symbol(item)
    if group is None or not symbol or DATES in item:
        return
    first = min(one.begin for one in found)
    said = " ".join(part for part in (_meaning(item, MEANT), *_measured(item)) if part)
    points = [group.begin - first + second for second in _seconds(item, group)] or [0.0]
    if word(item, RANGE) == "SEGMENT" and len(points) == 2:
        yield _Mark(points[0], symbol, said, points[1] - points[0])
    else:
        yield from (_Mark(point, symbol, said, np.nan) for point in points)


def _group(item: Any, found: Sequence[Group]) -> Group | None:
    """The group whose channels it is of; None where that is not there."""
    number = int(np.atleast_1d(item[CHANNELS].value)[0]) if CHANNELS in item else found[0].number
    return next((group for group in found if group.number == number), None)


def _symbol(item: Any) -> str:
    return " ".join((text(item, SAID) or _meaning(item, NAME)).split())


def _meaning(item: Any, tag: int) -> str:
    return next((text(one, MEANING) for one in items(item, tag)), "")


def _measured(item: Any) -> tuple[str, str]:
    """A number and its unit, "" where there is none."""
    return word(item, NUMBER), next((text(one, VALUE) for one in items(item, UNIT)), "")


def _seconds(item: Any, group: Group) -> list[float]:
    """Its moments after the group's first sample, which is position 1."""
    if POSITIONS in item:
        return [(int(position) - 1) / group.rate_hz for position in np.atleast_1d(item[POSITIONS].value)]
    return [float(offset) for offset in np.atleast_1d(item[OFFSETS].value)] if OFFSETS in item else []
