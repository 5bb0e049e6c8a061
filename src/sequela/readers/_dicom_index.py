"""What a source's DICOM files hold, by series: read from the headers alone, before any pixel."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _dicom_masks, _dicom_slices
from sequela.readers._dicom_elements import CLASS, DOUBLES, FLOATS, PIXELS, header, is_dicom, items, reading, toolkit, word, words
from sequela.readers._dicom_masks import Segmentation
from sequela.readers._dicom_origin import ACQUIRED, INSTANCE, Origin, Origins
from sequela.readers._dicom_slices import Slice, slices
from sequela.readers._dicom_waves import is_waveform

ENDINGS = (".dcm", ".dicom", ".dic", ".ima")
DIRECTORY, CONTOURS = "1.2.840.10008.1.3.10", "1.2.840.10008.5.1.4.1.1.481.3"
SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
RECORDS, REFERENCED = 0x00041220, 0x00041500
NOT_DICOM = "files that are not DICOM, left out"
COPIES = "files that repeat another, byte for byte, left out"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which series are read."""

    modalities: tuple[str, ...] = ()  # all where empty
    series: re.Pattern[str] | None = None  # sought in the description

    def other(self, origin: Origin) -> str:
        """In what a series is not one that is wanted; "" where it is."""
        if self.modalities and origin.modality not in self.modalities:
            return f"another modality ({origin.modality})"
        return "another description" if self.series and not self.series.search(origin.description) else ""


@dataclass(frozen=True, slots=True)
class Wave:
    """An object of waveforms."""

    path: Path
    file: str
    origin: Origin


@dataclass
class Index:
    """Series by subject and series, in the order of the files; segmentations and waveforms apart."""

    origins: Origins
    wanted: Wanted
    table: str = ""  # a file that is meant to be no DICOM
    pydicom: ModuleType = field(default_factory=toolkit)
    series: dict[tuple[str, str], list[Slice]] = field(default_factory=dict)
    masks: list[Segmentation] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)  # series of which a file was refused
    left_out: set[str] = field(default_factory=set)  # series that are not wanted
    found: int = 0  # DICOM files, whatever they hold
    _instances: dict[str, Path] = field(default_factory=dict)
    _tags: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._tags = sorted({CLASS, INSTANCE, RECORDS, *self.origins.tags, *ACQUIRED, *_dicom_slices.TAGS, *_dicom_masks.TAGS})

    def add(self, source: Source, file: str, sink: Sink) -> None:
        """Takes up one file. Raises DataError where it cannot be used, and says why."""
        path = source.path(file)
        with reading("header"):
            if is_dicom(path):
                self.found += 1
                self._object(path, source, file, sink)
            elif file.lower().endswith(ENDINGS):
                self.found += 1
                raise DataError("not a DICOM file" if path.stat().st_size else "an empty file")
            elif file != self.table:
                sink.note(NOT_DICOM, 1)

    def _object(self, path: Path, source: Source, file: str, sink: Sink) -> None:
        data = header(self.pydicom, path, self._tags)
        name = word(data, CLASS)
        if name == DIRECTORY or RECORDS in data:
            self._directory(data, source, file, sink)
        elif not any(tag in data for tag in (PIXELS, FLOATS, DOUBLES)):
            self._without_picture(data, name, path, file, sink)
        else:
            self._picture(data, name, path, file, sink)

    def _picture(self, data: Any, name: str, path: Path, file: str, sink: Sink) -> None:
        if name == SLIDE:
            raise DataError("a whole slide, whose frames are tiles; the reader slides is made for those")
        origin = self.origins.of(data, file)
        if self._repeats(word(data, INSTANCE), path):
            sink.note(COPIES, 1)
        elif name in _dicom_masks.CLASSES:
            self.masks.append(Segmentation.of(data, path, file, origin))
        elif other := self.wanted.other(origin):
            self.left_out.add(origin.series)
            sink.note(f"files of {other} than asked for, left out", 1)
        else:
            which = (origin.subject, self._apart(origin.series, file))
            try:
                found = slices(data, path, file, origin)
            except DataError:
                self.broken.add(which)
                raise
            self.series.setdefault(which, []).extend(found)

    def _apart(self, series: str, file: str) -> str:
        return file if self.origins.subject == "file" or not series else series

    def _without_picture(self, data: Any, name: str, path: Path, file: str, sink: Sink) -> None:
        """Takes up waveforms. Raises DataError for what should have had a picture."""
        if not name:
            raise DataError("it does not say what it is (no SOPClassUID)")
        if name == CONTOURS:
            raise DataError("contours (RTSTRUCT) are not read; give them as DICOM SEG or NIfTI masks")
        known = self.pydicom.uid.UID_dictionary
        said = known[name][0] if name in known else "of a class that is not known"
        if "Image Storage" in said or said == "RT Dose Storage":
            raise DataError("a picture without pixels")
        if is_waveform(said):
            self._waveform(data, path, file, sink)
            return
        sink.note(f"objects that are no pictures, left out ({said})", 1)

    def _waveform(self, data: Any, path: Path, file: str, sink: Sink) -> None:
        """At the time of its acquisition, which is that of its first sample; else of what `origins` asks for."""
        origin = self.origins.of(data, file)
        if self.origins.time != "none":
            acquired = Origins(self.origins.subject, "acquisition", self.origins.zone).of(data, file)
            origin = acquired if acquired.when else origin
        if self._repeats(word(data, INSTANCE), path):
            sink.note(COPIES, 1)
        elif other := self.wanted.other(origin):
            sink.note(f"files of {other} than asked for, left out", 1)
        else:
            self.waves.append(Wave(path, file, origin))

    def _repeats(self, instance: str, path: Path) -> bool:
        """Whether a file was read before. Raises DataError for another one that claims to be the same instance."""
        first = self._instances.setdefault(instance, path) if instance else path
        if first is path:
            return False
        if first.read_bytes() == path.read_bytes():
            return True
        raise DataError("another file with other content has the same SOPInstanceUID")

    def _directory(self, data: Any, source: Source, file: str, sink: Sink) -> None:
        """A DICOMDIR is not needed to find files; those that it lists and that are not there are refused by name."""
        sink.note("directories (DICOMDIR), read for the files that they list", 1)
        folder, there = PurePosixPath(file).parent, _names(source.files())
        listed: Counter[str] = Counter()
        for record in items(data, RECORDS):
            if parts := words(record, REFERENCED):
                listed[str(folder.joinpath(*parts))] += 1
        for name in listed:
            if not there & {name.lower(), f"{name}.dcm".lower()}:
                sink.refuse(name, f"listed in {file}, but not there")


def _names(files: Iterable[str]) -> set[str]:
    return {name.lower() for name in files}


def indexed(index: Index, source: Source, sink: Sink) -> Iterator[int]:
    """Fills the index, a file at a time, and gives how many were read; a file that cannot be used is refused by its name."""
    for done, file in enumerate(source.files(), 1):
        try:
            index.add(source, file, sink)
        except DataError as error:
            sink.refuse(file, error.message)
        yield done
