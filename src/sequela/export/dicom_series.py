"""The files that stored volumes were made of: what a DICOM object that refers to them must name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sequela.contracts import Source
from sequela.errors import DataError
from sequela.readers import dicom
from sequela.readers._dicom_events import named
from sequela.readers._dicom_index import Index, indexed
from sequela.readers._dicom_stacks import Gaps, Stack


@dataclass
class _Nowhere:
    """A sink of what is only looked at (contracts.Sink, the part that an index calls)."""

    notes: int = 0
    refused: list[str] = field(default_factory=list)

    def note(self, text: str, count: int) -> None:
        self.notes += count

    def refuse(self, record: str, reason: str) -> None:
        self.refused.append(record)


@dataclass(frozen=True, slots=True)
class Series:
    """The slices of each volume and picture that the reader dicom makes of a source, by the name of the payload."""

    source: Source  # held: what an archive was unpacked into lives as long
    stacks: Mapping[str, Stack]

    def stack(self, name: str) -> Stack:
        """Raises DataError where the source has none of that name."""
        if name not in self.stacks:
            raise DataError(f"{self.source.name} has no series {name!r} of which a volume can be made")
        return self.stacks[name]


def series_of(source: Source, config: dicom.Config) -> Series:
    """All of a source, from its headers alone. The options are those with which it was read: they say what becomes a payload."""
    index = dicom.index_of(config)
    for _ in indexed(index, source, _Nowhere()):  # type: ignore[arg-type]  # an index calls no more of a sink than this has
        pass  # a file that cannot be used is none of a series; the reader has refused it by name
    return Series(source, dict(_named(index, config)))


def stack_of(source: Source, name: str, gaps: Gaps = "refuse") -> Stack:
    """The slices, in their order, of the payload that the reader dicom calls `name`: a SeriesInstanceUID, "uid#2" the second.

    Raises DataError where the source has none of that name.
    """
    return series_of(source, dicom.Config(gaps=gaps)).stack(name)


def _named(index: Index, config: dicom.Config) -> Iterator[tuple[str, Stack]]:
    """What the reader would store, under the names that it would give."""
    count: Counter[str] = Counter()
    for (_, series), found in dicom.stacked(index, config):
        for one in found:
            if isinstance(one, Stack) and dicom.is_kept(one, config):
                count[series] += 1
                yield named(series, count[series]), one
