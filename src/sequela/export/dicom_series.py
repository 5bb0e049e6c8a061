"""The files that a stored volume was made of: what a DICOM object that refers to it must name."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from sequela.contracts import Source
from sequela.errors import DataError
from sequela.readers._dicom_index import Index, Wanted
from sequela.readers._dicom_origin import Origins
from sequela.readers._dicom_stacks import Gaps, Stack, stacks


@dataclass
class _Nowhere:
    """A sink of what is only looked at (contracts.Sink, the part that an index calls)."""

    notes: int = 0
    refused: list[str] = field(default_factory=list)

    def note(self, text: str, count: int) -> None:
        self.notes += count

    def refuse(self, record: str, reason: str) -> None:
        self.refused.append(record)


def stack_of(source: Source, name: str, gaps: Gaps = "refuse") -> Stack:
    """The slices, in their order, of the payload that the reader dicom calls `name`: a SeriesInstanceUID, "uid#2" the second.

    Raises DataError where the source has none of that name.
    """
    series, _, number = name.partition("#")
    index = Index(Origins("patient", "study", ""), Wanted())
    for file in source.files():
        try:
            index.add(source, file, _Nowhere())  # type: ignore[arg-type]
        except DataError:  # a file that cannot be used is none of the series; the reader has refused it by name
            continue
    slices = [one for (_, uid), members in index.series.items() if uid == series for one in members]
    whole = (one for one in stacks(slices, gaps) if isinstance(one, Stack))
    found = next(islice(whole, int(number or 1) - 1, None), None) if slices else None
    if found is None:
        raise DataError(f"{source.name} has no series {name!r} of which a volume can be made")
    return found
