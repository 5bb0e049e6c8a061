"""Which data records of an EDF+D or BDF+D file follow each other, and where it was interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from sequela.errors import DataError
from sequela.readers._edf_samples import Run
from sequela.types import Array


def unbroken(begins: Array, count: int) -> list[Run]:
    """The one run of a file without interruptions; its first data record says by how much less than a second it begins late."""
    late = float(begins[0]) if count and np.isfinite(begins[0]) else 0.0
    return [Run(0, count, late)]


def runs(begins: Array, duration: float, tolerance: float) -> list[Run]:
    """Cuts data records that begin at these seconds wherever one does not begin (to `tolerance`) where that before it ends.

    Raises DataError where a record does not say when it begins, or begins before an earlier one ends.
    """
    absent = int(np.isnan(begins).sum())
    if absent:
        raise DataError(f"{absent} of its {len(begins)} data records do not say when they begin, though it is discontinuous")
    apart = np.diff(begins) - duration
    edges = [0, *(np.flatnonzero(np.abs(apart) > tolerance) + 1).tolist(), len(begins)]
    found = [Run(low, high - low, float(begins[low])) for low, high in pairwise(edges) if high > low]
    for one, after in pairwise(found):
        if after.begin < one.end(duration) - tolerance:
            raise DataError(f"its data record {after.first + 1} begins before an earlier one ends")
    return found


def recordings(found: Sequence[Run], duration: float, longest_gap: float) -> Iterator[list[Run]]:
    """The runs of each recording: a gap of more seconds than `longest_gap` begins the next one."""
    together: list[Run] = []
    for run in found:
        if together and run.begin - together[-1].end(duration) > longest_gap:
            yield together
            together = []
        together.append(run)
    if together:
        yield together
