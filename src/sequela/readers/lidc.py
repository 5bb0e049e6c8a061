"""LIDC-IDRI: chest CT with the lung nodules that four radiologists drew and graded, as TCIA gives it out (DICOM with XML files).

    LIDC-IDRI-0001/<study>/<series>/*.dcm, *.xml        a series of CT slices, and the XML file of its reading

A scan is a subject: the patient's name, and name#2 where a patient has two. Written, all without time:

    IMAGE                       the volume in Hounsfield units, as the reader dicom reads it
    MASK                        label: the nodules that enough readers drew, numbered; of each the points that half of those drew
    MASK//READER1 …             label: what each drew, by the same numbers; who is first differs from scan to scan
    NODULE                      label: one a nodule of MASK: its median malignancy, and as text its number, and how many drew it
    LABEL//malignancy           the largest of those, 1 (very unlikely) to 5 (very likely); left out where there is no nodule
    LABEL//count                how many nodules MASK has
    PATIENT                     static: with `split.unit = "patient"` both scans of one stay together

Only nodules of 3 mm or more have outlines. Readers drew by themselves, then saw the others' marks without names; they were not
asked to agree. Which of their marks are one nodule is told by overlap. Source: Armato et al. 2011, Medical Physics 38, 915.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _lidc_nodules, _lidc_readings, _picture_list
from sequela.readers._dicom_index import Index, Wanted
from sequela.readers._dicom_origin import Origins
from sequela.readers._dicom_pixels import Decoder
from sequela.readers._dicom_stacks import Gaps, Stack, stacks
from sequela.readers._dicom_volume import payload, placed
from sequela.readers._lidc_nodules import Nodule
from sequela.readers._lidc_readings import Reading
from sequela.readers._picture_events import Gathered
from sequela.types import Array, Payload

VERSION = 1


class Config(Strict, frozen=True):
    drawn_by: Annotated[int, Meta(ge=1)] = 3  # readers who must have drawn a nodule of MASK (LUNA16: 3 of 4)
    share: Annotated[float, Meta(gt=0, le=1)] = 0.5  # of them that must have drawn a point
    each: bool = True  # the masks of each reader too
    least: Annotated[int, Meta(ge=2)] = 10  # slices of a scan; of fewer (a scout) it is left out
    gaps: Gaps = "refuse"  # a series with missing or unevenly spaced slices is refused, or its longest even run is read


@dataclass(frozen=True, slots=True)
class LidcReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every scan; a file, series or reading that cannot be used is refused by name.

        A scan without a usable reading is written without labels. Raises DataError where the source has no CT, MissingExtra where
        pydicom is not installed.
        """
        files = sorted(_picture_list.readable(source.files(), sink))
        readings = _readings(source, files, sink)
        index = _indexed(source, files, sink)
        writing = _Writing(self.config, sink, Decoder(index.pydicom, False), readings)
        for done, ((patient, series), slices) in enumerate(sorted(index.series.items(), key=lambda item: item[0]), 1):
            for found in stacks(slices, self.config.gaps):
                if len(found.slices) < self.config.least:
                    sink.note("stacks of fewer slices than asked for, left out", 1)
                elif isinstance(found, Stack):
                    writing.scan(patient, series, found)
                else:
                    sink.refuse(f"{patient} {series}", found.reason)
            sink.progress(done, len(index.series))
        writing.finish({series for _, series in index.series})


def _indexed(source: Source, files: Sequence[str], sink: Sink) -> Index:
    """The CT series of the source. Raises DataError where it has none."""
    index = Index(Origins("patient", "none", ""), Wanted(("CT",)))
    for file in (file for file in files if not file.lower().endswith(".xml")):
        try:
            index.add(source, file, sink)
        except DataError as error:
            sink.refuse(file, error.message)
    if not index.series:
        raise DataError(f"{source.name} has no CT series", hint="the reader lidc takes the folder of LIDC-IDRI, or some of it")
    return index


def _readings(source: Source, files: Sequence[str], sink: Sink) -> dict[str, tuple[str, Reading]]:
    """Of each series the file of its reading, and what it says."""
    found: dict[str, tuple[str, Reading]] = {}
    for file in (file for file in files if file.lower().endswith(".xml")):
        try:
            reading = _lidc_readings.parsed(source.read(file))
            if reading is None:
                sink.note("XML files that are no reading of a CT, left out", 1)
            elif reading.series in found:
                raise DataError("a second reading of its series")
            else:
                found[reading.series] = (file, reading)
        except DataError as error:
            sink.refuse(file, error.message)
    return found


@dataclass(frozen=True)
class _Writing:
    """The writing of scans, one at a time."""

    config: Config
    sink: Sink
    decoder: Decoder
    readings: Mapping[str, tuple[str, Reading]]
    rows: Gathered = field(default_factory=Gathered)
    scans: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # patient -> how many so far

    def scan(self, patient: str, series: str, stack: Stack) -> None:
        """Writes a scan and what was marked on it, or refuses it."""
        try:
            picture = payload(stack, self.decoder)
        except DataError as error:
            self.sink.refuse(f"{patient} {series}", error.message)
            return
        self.scans[patient] += 1
        number = self.scans[patient]
        subject = patient if number == 1 else f"{patient}#{number}"
        self.rows.of("IMAGE", "payload").add(subject, payload=self.sink.payload(subject, picture))
        self.rows.of("PATIENT", "static").add(subject, text=patient)
        if series in self.readings:
            self._marks(subject, stack, *self.readings[series])
        else:
            self.sink.note("scans without a reading: not marked", 1)
        self.sink.accept()

    def _marks(self, subject: str, stack: Stack, file: str, reading: Reading) -> None:
        first = stack.slices[0].pixels
        shape = (len(stack.slices), first.rows, first.columns)
        place = {one.instance: number for number, one in enumerate(stack.slices)}
        try:
            nodules = _lidc_nodules.matched(_lidc_nodules.filled(reading, place, shape))
        except DataError as error:
            self.sink.refuse(file, error.message)
            return
        chosen = [nodule for nodule in nodules if len(nodule.marks) >= self.config.drawn_by]
        ordered = [*chosen, *(nodule for nodule in nodules if len(nodule.marks) < self.config.drawn_by)]
        self._mask(subject, "MASK", stack, _painted([nodule.agreed(self.config.share) for nodule in chosen], shape))
        for reader in range(len(reading.readers)) if self.config.each else ():
            self._mask(subject, f"MASK//READER{reader + 1}", stack, _painted([_drawn_by(reader, one) for one in ordered], shape))
        self._labels(subject, chosen)

    def _mask(self, subject: str, code: str, stack: Stack, labels: Array) -> None:
        values, space = placed(labels[None], stack)
        uri = self.sink.payload(f"{subject} {code}", Payload(values, None, ("label",), "", space))
        self.rows.of(code, "label").add(subject, payload=uri)

    def _labels(self, subject: str, nodules: Sequence[Nodule]) -> None:
        self.rows.of("LABEL//count", "label").add(subject, number=len(nodules), text=str(len(nodules)))
        for number, nodule in enumerate(nodules, 1):
            self.rows.of("NODULE", "label").add(subject, number=nodule.malignancy, text=f"{number} {len(nodule.marks)}")
        grades = [nodule.malignancy for nodule in nodules if nodule.malignancy is not None]
        if grades:
            self.rows.of("LABEL//malignancy", "label").add(subject, number=max(grades))

    def finish(self, series: set[str]) -> None:
        """Writes the events; readings of series that are not there are refused."""
        for name, (file, _) in self.readings.items():
            if name not in series:
                self.sink.refuse(file, "a reading of a series that is not there")
        self.rows.write(self.sink)


def _drawn_by(reader: int, nodule: Nodule) -> Array:
    return next((mark.points for mark in nodule.marks if mark.reader == reader), np.zeros(0, np.int64))


def _painted(nodules: Sequence[Array], shape: tuple[int, int, int]) -> Array:
    """Their numbers from 1, in a stack "D H W"; of two at one point the first."""
    found = np.zeros(shape, np.uint8 if len(nodules) < 256 else np.uint16)
    for number, points in reversed(list(enumerate(nodules, 1))):
        found.ravel()[points] = number
    return found


def build(config: Config) -> LidcReader:
    return LidcReader(config)
