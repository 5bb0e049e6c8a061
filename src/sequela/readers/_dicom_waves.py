"""The waveforms of one DICOM object: its multiplex groups as signals in physical units.

Groups of one rate become one signal, from the first sample of the earliest to the last of the latest, not seen where a group has
none. Groups that were derived (a median beat) are left out: they were not recorded at any time.
Source: DICOM PS3.3, C.10.9 (waveform).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers._channel_names import channel_names, joined_units, standard_unit
from sequela.readers._dicom_elements import items, numbers, text, whole, word
from sequela.types import Array, Payload

WAVEFORMS = 0x54000100
CHANNELS, SAMPLES, RATE, OFFSET, ORIGINALITY, DEFINITIONS = 0x003A0005, 0x003A0010, 0x003A001A, 0x00181068, 0x003A0004, 0x003A0200
LABEL, SOURCE, MEANING, VALUE = 0x003A0203, 0x003A0208, 0x00080104, 0x00080100
SENSITIVITY, UNITS, CORRECTION, BASELINE = 0x003A0210, 0x003A0211, 0x003A0212, 0x003A0213
TIME_SKEW, SAMPLE_SKEW = 0x003A0214, 0x003A0215
BITS, INTERPRETATION, PADDING, DATA = 0x54001004, 0x54001006, 0x5400100A, 0x54001010
STORED: Mapping[tuple[int, str], str] = {
    (8, "SB"): "i1",
    (8, "UB"): "u1",
    (16, "SS"): "i2",
    (16, "US"): "u2",
    (32, "SL"): "i4",
    (32, "UL"): "u4",
}
APART = 100  # times as long as what was recorded a recording in several groups may last
REMARK = re.compile(r"\s*\([^)]*\)$")  # "Lead I (Einthoven)"


@dataclass(frozen=True, slots=True)
class Group:
    """A multiplex group: channels that were sampled together."""

    number: int  # from 1 on, as annotations name it
    rate_hz: float
    begin: float  # seconds after the time of the object
    values: Array  # float64 "C L", NaN where padded
    names: tuple[str, ...]  # "" where the object tells none
    units: tuple[str, ...]


def is_waveform(class_name: str) -> bool:
    """Whether objects of this class, by its name in DICOM, are recordings of a body: sound is left out."""
    return "Waveform Storage" in class_name and "Audio" not in class_name


def groups(data: Any, sink: Sink) -> list[Group]:
    """The recorded groups of an object. Raises DataError where there are none, or one cannot be read."""
    said = items(data, WAVEFORMS)
    found = [
        _group(item, number, bool(data.original_encoding[1]), sink)
        for number, item in enumerate(said, 1)
        if word(item, ORIGINALITY) != "DERIVED"
    ]
    if not found:
        raise DataError("it holds no waveform that was recorded" + (", only derived ones" if said else ""))
    if len(said) > len(found):
        sink.note("derived waveforms (such as a median beat), left out", len(said) - len(found))
    return found


def signals(found: Sequence[Group]) -> tuple[Payload, ...]:
    """One payload for each rate, all from the first sample of the earliest group on."""
    first = min(group.begin for group in found)
    return tuple(
        _together([group for group in found if group.rate_hz == rate], first, rate)
        for rate in dict.fromkeys(group.rate_hz for group in found)
    )


def _together(alike: Sequence[Group], first: float, rate_hz: float) -> Payload:
    begins = [round((group.begin - first) * rate_hz) for group in alike]
    length = max(begin + group.values.shape[1] for begin, group in zip(begins, alike, strict=True))
    if length > APART * sum(group.values.shape[1] for group in alike):
        raise DataError(f"its waveforms of {rate_hz:g} Hz lie {length / rate_hz:.0f} s apart")
    values = np.full((sum(len(group.values) for group in alike), length), np.nan, np.float32)
    scales = [standard_unit(unit) for group in alike for unit in group.units]
    row = 0
    for begin, group in zip(begins, alike, strict=True):
        for channel in group.values:
            values[row, begin : begin + len(channel)] = _single(channel * scales[row][0])
            row += 1
    names = channel_names([name or None for group in alike for name in group.names])
    return Payload(values, rate_hz, names, joined_units([unit for _, unit in scales]))


def _single(samples: Array) -> Array:
    """float32. Raises DataError where that cannot hold them."""
    with np.errstate(over="ignore"):
        values = samples.astype(np.float32)
    if np.isinf(values).any():
        raise DataError("it holds samples beyond 32 bits")
    return values


def _group(item: Any, number: int, little: bool, sink: Sink) -> Group:
    rate, offset = numbers(item, RATE), numbers(item, OFFSET)
    if not rate or rate[0] <= 0:
        raise DataError(f"its waveform {number} does not say how often it was sampled")
    raw = _raw(item, number, little)
    definitions = items(item, DEFINITIONS)
    if len(definitions) != len(raw):
        raise DataError(f"its waveform {number} tells of {len(definitions)} channels and has {len(raw)}")
    padding = item.get_item(PADDING).value if PADDING in item else None
    if padding:
        raw = np.where(raw == np.frombuffer(padding, raw.dtype)[0], np.nan, raw)
    kept = list(_scaled(raw, definitions, rate[0], sink))
    if not kept:
        raise DataError(f"its waveform {number} has no channel whose samples can be scaled")
    values, names, units = zip(*kept, strict=True)
    return Group(number, rate[0], (offset or (0.0,))[0] / 1000, np.stack(values), names, units)


def _raw(item: Any, number: int, little: bool) -> Array:
    """The samples "C L" as they are stored."""
    channels, samples = whole(item, CHANNELS), _long(item, SAMPLES)
    kind = STORED.get((whole(item, BITS), word(item, INTERPRETATION)))
    if kind is None:
        raise DataError(f"its waveform {number} is stored as {whole(item, BITS)} bits of the kind {word(item, INTERPRETATION)!r}")
    if channels < 1 or samples < 1:
        raise DataError(f"its waveform {number} says it has {channels} channels of {samples} samples")
    stored, count = np.dtype(("<" if little else ">") + kind), channels * samples
    content = item.get_item(DATA).value if DATA in item else b""
    if len(content or b"") < count * stored.itemsize:
        raise DataError(f"its waveform {number} is cut short: {len(content or b'')} bytes of {count * stored.itemsize}")
    return np.frombuffer(content, stored, count).reshape(samples, channels).T


def _scaled(raw: Array, definitions: Sequence[Any], rate_hz: float, sink: Sink) -> Iterator[tuple[Array, str, str]]:
    """Of each channel that can be scaled its values, its name and their unit."""
    for samples, told in zip(raw, definitions, strict=True):
        sensitivity, correction, baseline = (numbers(told, tag) for tag in (SENSITIVITY, CORRECTION, BASELINE))
        gain = (sensitivity or (1.0,))[0] * (correction or (1.0,))[0]
        if not gain:
            sink.note("channels of gain zero, left out", 1)
            continue
        skew = abs((numbers(told, SAMPLE_SKEW) or (0.0,))[0]) + abs((numbers(told, TIME_SKEW) or (0.0,))[0]) * rate_hz
        if skew >= 1:
            sink.note("channels sampled one or more samples apart from the others of their waveform, as if together", 1)
        yield samples * gain + (baseline or (0.0,))[0], _name(told), _unit(told) if sensitivity else ""


def _name(told: Any) -> str:
    """Where the channel was measured, else what the device calls it; "" where neither is told."""
    source = next((text(one, MEANING) for one in items(told, SOURCE)), "")
    return REMARK.sub("", source) or text(told, LABEL)


def _unit(told: Any) -> str:
    return next((text(one, VALUE) for one in items(told, UNITS)), "")


def _long(item: Any, tag: int) -> int:
    """The value of an element of 32 bits (UL); 0 where it is absent."""
    if tag not in item:
        return 0
    held = item.get_item(tag)
    if isinstance(held.value, bytes):
        return int.from_bytes(held.value[:4], "little" if held.is_little_endian else "big")
    return int(held.value or 0)
