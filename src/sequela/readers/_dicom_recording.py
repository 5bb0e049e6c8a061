"""A DICOM object of waveforms as the recording that every reader of signals writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import ModuleType

from sequela.contracts import Sink
from sequela.readers._dicom_elements import reading
from sequela.readers._dicom_index import Wave
from sequela.readers._dicom_origin import Origin
from sequela.readers._dicom_wave_marks import marks
from sequela.readers._dicom_waves import groups, signals
from sequela.readers._signals import Recording


def recording(pydicom: ModuleType, wave: Wave, name: str, sink: Sink) -> Recording:
    """The recording, without age and sex, which are told of pictures and waveforms alike.

    Raises DataError where the object cannot be read.
    """
    with reading("waveform"):
        data = pydicom.dcmread(wave.path, force=True)
        found = groups(data, sink)
        start = _start(wave.origin, sink)
        begin = timedelta(seconds=min(group.begin for group in found))
        return Recording(name, wave.origin.subject, signals(found), start + begin if start else None, marks(data, found))


def _start(origin: Origin, sink: Sink) -> datetime | None:
    """The time of the object; of a date alone the end of its day, since only then it surely had been recorded."""
    if origin.when is None:
        sink.note("waveforms without a date, placed as if there were no others", 1)
        return None
    if origin.when.relative:
        sink.relative_times()
    if origin.when.available:
        sink.note("waveforms with a date and no time of day, placed at the end of the day", 1)
    return origin.when.available or origin.when.time
