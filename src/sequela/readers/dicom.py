"""DICOM: folders, DICOMDIR and archives of images and waveforms, series put together by where their slices lie in the patient.

Each stack of slices, picture or film becomes a payload with its place in the patient, and the events

    IMAGE//<modality>        the payload (IMAGE//CT, IMAGE//MR); its text is the description of the series
    MASK                     a segmentation (DICOM SEG) of a picture in the same source: a label map of its shape
    WAVEFORM, RECORD//…      an ECG, an EEG, pressures or breathing, at the time of its first sample: see _signals.py
    AGE, SEX                 AGE in years at the time of the study
    LABEL//<column>          what a table tells of a subject, without time, or of a study or series, stamped as its pictures

CT, MR and other slices are stored as volumes, turned to one orientation (`_space.py`); X-ray, ultrasound and other projections
one picture a file, upright as stored. Values are rescaled to what they mean (Hounsfield units) without loss, colours are RGB.
A series with a missing slice, slices twice at one place or slices off their line is refused by the names of its files.

Times without an offset are of `timezone`; without one they count as relative. A date without a time of day begins where it
begins, and its picture is known when it is over. Source: DICOM PS3.3, C.7.6.2 (image plane), C.7.6.16 (functional groups).
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _dicom_labels, _label_table
from sequela.readers._beats import Beats, Detect
from sequela.readers._dicom_events import Events
from sequela.readers._dicom_index import Index, Wanted, indexed
from sequela.readers._dicom_masks import Segmentation, mask
from sequela.readers._dicom_origin import Origin, Origins, Subject, Time
from sequela.readers._dicom_pixels import MEASURED, Decoder
from sequela.readers._dicom_recording import recording
from sequela.readers._dicom_stacks import Broken, Gaps, Stack, stacks
from sequela.readers._dicom_volume import payload
from sequela.readers._signals import Writer

VERSION = 2


class Config(Strict, frozen=True):
    code: str = ""  # one name for all pictures, as "IMAGE"; left out: IMAGE//<modality>
    modalities: tuple[str, ...] = ()  # read these alone, as ["CT"]; left out: all
    series: str = ""  # read the series alone in whose description this regular expression is found, in letters of any case
    mask: str = "MASK"  # the code of segmentations
    subject: Subject = "patient"  # what a subject is: the PatientID, or for files without one the study, series or file
    time: Time = "study"  # when a picture was made: by the dates of its study, its series or its acquisition, or not told
    timezone: str = ""  # of times without an offset, as "Europe/Berlin" or "UTC"; left out: times are relative
    least: Annotated[int, Meta(ge=1)] = 1  # slices of a stack, or frames of a film; of fewer (a scout) it is left out
    gaps: Gaps = "refuse"  # a series with missing or unevenly spaced slices is refused, or its longest even run is read
    tilt: Literal["keep", "refuse"] = "keep"  # a stack with a tilted gantry keeps its sheared affine, or is refused
    table: str = ""  # a CSV file in the source, one line a subject, study or series
    labels: tuple[str, ...] | None = None  # columns of it; left out: "label" if there is one
    columns: Mapping[Literal["series", "study", "subject", "part"], str] = {}  # left out: those of _dicom_labels.COLUMNS
    detect: Detect = False  # of waveforms: heartbeats are found in the ECG leads, or in the channels named here
    intervals: bool = False  # RR and HEART_RATE at each beat
    voi: bool = False  # values as the file says that they be shown (its first window or table), 0 to 65535


@dataclass(frozen=True, slots=True)
class Placed:
    """What a segmentation of a stack needs to know of it."""

    stack: Stack
    origin: Origin


@dataclass(frozen=True, slots=True)
class DicomReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every stack and picture; a file or series that cannot be used is refused by the names of its files.

        Raises DataError where the source has no DICOM file, MissingExtra where pydicom is not installed.
        """
        index = index_of(self.config)
        count = len(source.files())
        for done in indexed(index, source, sink):
            sink.progress(done, 2 * count)
        if not index.found:
            raise DataError(f"{source.name} has no DICOM file", hint="the reader dicom takes a folder, an archive or a file")
        self._write(index, sink, count, self._told(index, source, sink))

    def _told(self, index: Index, source: Source, sink: Sink) -> _dicom_labels.Told | None:
        columns = _dicom_labels.columns(self.config.columns, self.config.labels)
        origins = [slice.origin for slices in index.series.values() for slice in slices]
        origins += [wave.origin for wave in index.waves]
        return _dicom_labels.told(source, sink, self.config.table, columns, origins)

    def _write(self, index: Index, sink: Sink, count: int, told: _dicom_labels.Told | None) -> None:
        events, decoder = Events(sink), Decoder(index.pydicom, self.config.voi)
        marked = {one.series for one in index.masks}
        kept: dict[str, list[Placed]] = {}
        done, whole = 0, sum(map(len, index.series.values()))
        for (subject, series), found in stacked(index, self.config):
            placed = self._series(series, found, decoder, events)
            if told:
                told.take(one.origin for one in placed)
            if series in marked:
                kept.setdefault(series, []).extend(placed)
            done += len(index.series[subject, series])
            sink.progress(count + count * done // whole, 2 * count)
        self._waves(index, events, told)
        for one in index.masks:
            if one.series in index.left_out:
                sink.note("segmentations of series that were not asked for, left out", 1)
            else:
                self._mask(one, kept.get(one.series, []), Decoder(index.pydicom, False), events)
        events.close()
        if told:
            told.write(sink)

    def _waves(self, index: Index, events: Events, told: _dicom_labels.Told | None) -> None:
        writer = Writer(events.sink, Beats(self.config.detect, self.config.intervals))
        for wave in index.waves:
            try:
                writer.write(recording(index.pydicom, wave, events.name(wave.origin.series or wave.file), events.sink))
            except DataError as error:
                events.sink.refuse(wave.file, error.message)
            else:
                events.person(wave.origin)
                if told:
                    told.take([wave.origin])

    def _series(self, series: str, found: Sequence[Stack | Broken], decoder: Decoder, events: Events) -> list[Placed]:
        """What was written of a series."""
        placed: list[Placed] = []
        if len(found) > 1:
            events.sink.note("series of several stacks or pictures, each written by itself", 1)
        for one in found:
            try:
                if len(one.slices) < self.config.least:
                    events.sink.note("stacks of fewer slices than asked for, left out", 1)
                    continue
                if not isinstance(one, Stack):
                    raise DataError(one.reason)
                placed.append(self._stack(series, one, decoder, events))
            except DataError as error:
                for file in sorted({slice.file for slice in one.slices}):
                    events.sink.refuse(file, error.message)
        return placed

    def _stack(self, series: str, stack: Stack, decoder: Decoder, events: Events) -> Placed:
        if stack.tilted and self.config.tilt == "refuse":
            raise DataError("its gantry was tilted")
        picture = payload(stack, decoder)
        origin = _latest(stack)
        code = self.config.code or f"IMAGE//{origin.modality}"
        events.sink.code(code, "payload")
        events.add(origin, code, text=origin.description, uri=events.sink.payload(events.name(series), picture))
        events.person(origin)
        events.sink.accept(len({slice.file for slice in stack.slices}))
        _noted(stack, origin, self.config, events.sink)
        return Placed(stack, origin)

    def _mask(self, found: Segmentation, kept: Sequence[Placed], decoder: Decoder, events: Events) -> None:
        try:
            stack, painted = mask(found, [one.stack for one in kept], decoder)
        except DataError as error:
            events.sink.refuse(found.frames[0][1].file, error.message)
            return
        origin = next(one.origin for one in kept if one.stack is stack)
        events.sink.code(self.config.mask, "label")
        uri = events.sink.payload(f"mask {painted.name}", painted.payload)
        events.add(origin, self.config.mask, text=painted.segments, uri=uri)
        events.sink.accept()


def index_of(config: Config) -> Index:
    """An index, as yet empty, of what these options ask for."""
    pattern = re.compile(config.series, re.IGNORECASE) if config.series else None
    return Index(Origins(config.subject, config.time, config.timezone), Wanted(config.modalities, pattern), config.table)


def stacked(index: Index, config: Config) -> Iterator[tuple[tuple[str, str], list[Stack | Broken]]]:
    """Of each subject and series, in their order, what can be made of its slices."""
    for which, slices in sorted(index.series.items(), key=lambda item: item[0]):
        yield which, list(_whole(stacks(slices, config.gaps), which in index.broken, config.gaps))


def is_kept(stack: Stack, config: Config) -> bool:
    """Whether a stack is written, if its pixels can be read."""
    return len(stack.slices) >= config.least and not (stack.tilted and config.tilt == "refuse")


def _whole(found: Iterable[Stack | Broken], broken: bool, gaps: Gaps) -> Iterator[Stack | Broken]:
    """The stacks of a series; where a file of it was refused, its volumes lack a slice, at an end if nowhere else."""
    for one in found:
        volume = isinstance(one, Stack) and one.oriented and not one.flat
        yield Broken(one.slices, "another slice of its series cannot be read") if broken and volume and gaps == "refuse" else one


def _latest(stack: Stack) -> Origin:
    """Of slices acquired over a time, that of the last: only then is the stack known."""
    timed = [(one.origin.when.time, number) for number, one in enumerate(stack.slices) if one.origin.when]
    return stack.slices[max(timed)[1] if timed else 0].origin


def _noted(stack: Stack, origin: Origin, config: Config, sink: Sink) -> None:
    if origin.when is None and config.time != "none":
        sink.note(f"pictures whose {config.time} has no date: without time, so always known", 1)
    if origin.when and origin.when.relative:
        sink.relative_times()
    if stack.tilted:
        sink.note("stacks of a tilted gantry, kept sheared as they were scanned", 1)
    if stack.left_out:
        sink.note("slices beyond a gap in their series, left out", stack.left_out)
    first = stack.slices[0]
    if first.pixels.photometric == "MONOCHROME1" and origin.modality not in MEASURED:
        sink.note("pictures that show low values white (MONOCHROME1), inverted", 1)


def build(config: Config) -> DicomReader:
    """Raises ConfigError for a time zone that there is not, a pattern that is none, or labels without a table."""
    _label_table.check(config.table, config.labels)
    if config.timezone and config.timezone not in zoneinfo.available_timezones():
        raise ConfigError(f"{config.timezone!r} is not a time zone", hint='write it as "Europe/Berlin" or "UTC"')
    try:
        re.compile(config.series)
    except re.error as error:
        raise ConfigError(f"series is not a regular expression: {error}") from error
    return DicomReader(config)
