"""Loading MRI series from DICOM files: ours (sorted by geometry, rescaled, oriented) beside bare pydicom, which only stacks.

    SEQUELA_DATA=... python bench/dicom_load.py [--repeats 7]

Both read the same four series of mri_dicom_series (129 files) from files that the system already holds in memory, turn by turn in
one process. Bare: dcmread, pixel_array and numpy.stack, in the order of the files' names. Ours: headers, assembly along the
normal with its checks, types, the canonical orientation, in contiguous arrays.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import numpy as np
import pydicom

from sequela.readers._dicom_index import Index, Wanted
from sequela.readers._dicom_origin import Origins
from sequela.readers._dicom_pixels import Decoder
from sequela.readers._dicom_stacks import Stack, stacks
from sequela.readers._dicom_volume import payload
from sequela.store.source import open_source

LIMIT = 1.2
LOADS = 5  # in one measurement: the clock of CPU time ticks in hundredths
PACKAGES = ("sequela", "pydicom", "numpy")


class Silent:
    """A sink that keeps nothing."""

    def note(self, text: str, count: int) -> None: ...


def ours(folder: Path) -> list[np.ndarray]:
    source, index = open_source(folder), Index(Origins("patient", "study", ""), Wanted())
    for file in source.files():
        index.add(source, file, Silent())  # type: ignore[arg-type]  # as much of a sink as an index calls
    decoder, found = Decoder(index.pydicom, False), []
    for slices in index.series.values():
        found += [payload(one, decoder) for one in stacks(slices, "refuse") if isinstance(one, Stack)]
    return [np.ascontiguousarray(one.values) for one in found]


def bare(folder: Path) -> list[np.ndarray]:
    series: dict[str, list[np.ndarray]] = defaultdict(list)
    for path in sorted(folder.rglob("*.dcm")):
        data = pydicom.dcmread(path)
        series[data.SeriesInstanceUID].append(data.pixel_array)
    return [np.stack(slices) for slices in series.values()]


def timed(load: Callable[[Path], list[np.ndarray]], folder: Path, seconds: list[float]) -> list[np.ndarray]:
    with harness.measure() as cost:
        for _ in range(LOADS):
            found = load(folder)
    seconds.append(cost.cpu_seconds / LOADS)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    folder = Path(os.environ["SEQUELA_DATA"]) / "mri_dicom_series"
    times: dict[str, list[float]] = {"ours": [], "bare pydicom": []}
    for _ in range(asked.repeats + 1):  # the first is for imports and the system's memory of the files
        theirs, mine = timed(bare, folder, times["bare pydicom"]), timed(ours, folder, times["ours"])
    agree = sorted(int(one.sum(dtype=np.int64)) for one in theirs) == sorted(int(one.sum(dtype=np.int64)) for one in mine)
    seconds: dict[str, Any] = {name: min(found[1:]) for name, found in times.items()}
    measured = {
        "files": sum(len(one) for one in theirs),
        "series": len(mine),
        "repeats": asked.repeats,
        "cpu_seconds": seconds,
        "times_bare": seconds["ours"] / seconds["bare pydicom"],
        "allowed": LIMIT,
        "same_pixels": agree,
    }
    harness.record("dicom_load", measured, PACKAGES)


if __name__ == "__main__":
    main()
