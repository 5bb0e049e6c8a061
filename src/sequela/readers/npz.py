"""Samples from NumPy archives: images, signals or series of measurements with their labels. Nothing pickled is ever loaded.

An archive laid out as MedMNIST has it (`train_images`, `train_labels`, and so for `val` and `test`; Yang et al. 2023) is read
without options and brings its own parts. Any other names its arrays in Config: `data` (n, …), `label`, `subject`, `part`.

Written: IMAGE without time, or WAVEFORM or one code a feature from 2000-01-01 on; LABEL//<name>.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import numpy as np
import polars as pl
from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _archive
from sequela.readers._samples import PART_NAMES, Clock, events, label_events
from sequela.types import Array, Payload

VERSION = 1
STANDARD = ("train", "val", "test")  # the parts of a MedMNIST archive
COLOURS = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}


class Config(Strict, frozen=True):
    kind: Literal["image", "waveform", "measurements"] = "image"
    data: str = "data"  # names of the arrays in the archive
    label: str = "label"
    subject: str = "subject"
    part: str = "part"
    label_names: tuple[str, ...] = ()  # of the columns of the labels; left out: "label", or "label_0", "label_1", …
    channels: tuple[str, ...] = ()  # names of the channels of an image or signal, or of the measurements
    channel_axis: Literal["last", "first"] = "last"
    rate_hz: Annotated[float, Meta(gt=0)] | None = None  # samples a second: needed by all but images
    unit: str = ""  # of the values


@dataclass(frozen=True, slots=True)
class Block:
    """Samples of one archive that lie in arrays of one length; `prefix` begins their names."""

    prefix: str
    data: Array  # "n C H W" images, "n C T" signals and series
    labels: Array | None  # "n K"
    subjects: Sequence[str]
    parts: Sequence[str] | None

    @property
    def names(self) -> list[str]:
        return [f"{self.prefix}{i:05d}" for i in range(len(self.data))]


@dataclass(frozen=True, slots=True)
class NpzReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every sample of every archive; an archive that cannot be read is refused by its name.

        Raises DataError where the source has no .npz file.
        """
        files = [name for name in source.files() if name.lower().endswith(".npz")]
        if not files:
            raise DataError(f"{source.name} has no .npz file", hint="the reader npz takes a .npz file or a folder of them")
        writer = _Writer(self.config, sink, Clock())
        for i, file in enumerate(files):
            try:
                blocks = list(self._blocks(source.path(file), f"{PurePosixPath(file).stem}-" if len(files) > 1 else ""))
            except DataError as error:
                sink.refuse(file, error.message)
                continue
            for block in blocks:
                writer.write(block)
            sink.progress(i + 1, len(files))

    def _blocks(self, path: Path, prefix: str) -> Iterator[Block]:
        with _archive.opened(path) as archive:
            standard = [part for part in STANDARD if f"{part}_images" in archive.files]
            for part in standard:
                images, labels = _archive.array(archive, f"{part}_images"), _archive.array(archive, f"{part}_labels")
                yield self._block(f"{prefix}{part}-", images, labels, None, np.full(len(images), part))
            if not standard:
                yield self._named_block(archive, prefix)

    def _named_block(self, archive: np.lib.npyio.NpzFile, prefix: str) -> Block:
        config = self.config
        data = _archive.array(archive, config.data)
        label, subject, part = (
            _archive.array(archive, name) if name in archive.files else None
            for name in (config.label, config.subject, config.part)
        )
        return self._block(prefix, data, label, subject, part)

    def _block(self, prefix: str, data: Array, labels: Array | None, subjects: Array | None, parts: Array | None) -> Block:
        shape = as_images if self.config.kind == "image" else as_signals
        for what, column in (("labels", labels), ("subjects", subjects), ("parts", parts)):
            if column is not None and len(column) != len(data):
                raise DataError(f"{len(data)} samples but {len(column)} {what}")
        names = [f"{prefix}{i:05d}" for i in range(len(data))] if subjects is None else [str(subject) for subject in subjects]
        table = None if labels is None else labels.reshape(len(data), -1)
        return Block(
            prefix, shape(data, self.config.channel_axis), table, names, None if parts is None else [str(part) for part in parts]
        )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes blocks to the sink, sample by sample, events in one frame a block."""

    config: Config
    sink: Sink
    clock: Clock

    def write(self, block: Block) -> None:
        kept = self._samples(block)
        self._labels(block, kept)
        for i in kept if block.parts is not None else ():
            assert block.parts is not None
            self.sink.part(block.subjects[i], PART_NAMES[block.parts[i].lower()])
        self.sink.accept(len(kept))

    def _samples(self, block: Block) -> list[int]:
        """Numbers of the samples that were taken."""
        good = [i for i in range(len(block.data)) if not self._refused(block, i)]
        match self.config.kind:
            case "image":
                self._images(block, good)
            case "waveform":
                self._waveforms(block, good)
            case "measurements":
                self._measurements(block, good)
        return good

    def _refused(self, block: Block, i: int) -> bool:
        if block.parts is not None and block.parts[i].lower() not in PART_NAMES:
            self.sink.refuse(block.names[i], "its part is none of train, tune (val) and test")
            return True
        sample = block.data[i]
        if self.config.kind != "measurements" and sample.dtype.kind == "f" and not np.isfinite(sample).all():
            self.sink.refuse(block.names[i], "values that are not finite numbers")
            return True
        return False

    def _images(self, block: Block, good: list[int]) -> None:
        channels = self.config.channels or COLOURS.get(block.data.shape[1], ())
        _check_names(channels, block.data.shape[1], "channels")
        names = block.names
        uris = [self.sink.payload(names[i], Payload(block.data[i], None, channels, self.config.unit)) for i in good]
        self.sink.code("IMAGE", "payload", unit=self.config.unit)
        self.sink.events(events([block.subjects[i] for i in good], "IMAGE", {"payload": pl.Series(uris, dtype=pl.String)}))

    def _waveforms(self, block: Block, good: list[int]) -> None:
        channels, rate = self._channels(block.data), self._rate()
        names, seconds = block.names, block.data.shape[2] / rate
        rows = []
        for i in good:
            subject, start = block.subjects[i], self.clock.start(block.subjects[i], seconds)
            values = np.ascontiguousarray(block.data[i], np.float32)
            uri = self.sink.payload(names[i], Payload(values, rate, channels, self.config.unit))
            end = start + timedelta(seconds=seconds)
            rows += [
                (subject, start, "RECORD//START", None),
                (subject, start, "WAVEFORM", uri),
                (subject, end, "RECORD//END", None),
            ]
        self.sink.code("WAVEFORM", "payload", unit=self.config.unit)
        self._ends()
        schema = {"source_id": pl.String(), "time": pl.Datetime("us"), "code": pl.String(), "payload": pl.String()}
        self.sink.events(pl.DataFrame(rows, schema=schema, orient="row"))

    def _measurements(self, block: Block, good: list[int]) -> None:
        channels, rate = self._channels(block.data), self._rate()
        for name in channels:
            self.sink.code(name, "measurement", unit=self.config.unit)
        self._ends()
        for i in good:
            start = self.clock.start(block.subjects[i], block.data.shape[2] / rate)
            self.sink.events(_series_events(block.subjects[i], start, rate, channels, block.data[i].astype(np.float32)))

    def _ends(self) -> None:
        self.sink.relative_times()
        self.sink.code("RECORD//START", "event", description="The first sample of a record")
        self.sink.code("RECORD//END", "event", description="One past the last sample of a record")

    def _channels(self, signals: Array) -> tuple[str, ...]:
        names = self.config.channels or tuple(f"channel_{c}" for c in range(signals.shape[1]))
        _check_names(names, signals.shape[1], "channels")
        return names

    def _rate(self) -> float:
        if self.config.rate_hz is None:
            raise ConfigError(f"the reader npz needs rate_hz for kind = {self.config.kind!r}", hint="samples a second")
        return self.config.rate_hz

    def _labels(self, block: Block, kept: list[int]) -> None:
        if block.labels is None:
            return
        count = block.labels.shape[1]
        names = self.config.label_names or (("label",) if count == 1 else tuple(f"label_{k}" for k in range(count)))
        _check_names(names, count, "label_names")
        subjects = [block.subjects[i] for i in kept]
        for name, column in zip(names, block.labels[kept].T, strict=True):
            self.sink.code(f"LABEL//{name}", "label")
            self.sink.events(label_events(subjects, name, column))


def _check_names(names: tuple[str, ...], count: int, option: str) -> None:
    if names and len(names) != count:
        raise ConfigError(f"the reader npz is given {len(names)} {option}, the archive has {count}")


def _series_events(subject: str, start: datetime, rate_hz: float, names: tuple[str, ...], values: Array) -> pl.DataFrame:
    """RECORD//START, RECORD//END and one event for each number of values "F T" that is there."""
    feature, step = np.nonzero(~np.isnan(values))
    micros = np.round(step / rate_hz * 1e6).astype("timedelta64[us]")
    end = start + timedelta(seconds=values.shape[1] / rate_hz)
    ends = pl.DataFrame({"code": ["RECORD//START", "RECORD//END"], "time": [start, end], "numeric_value": [None, None]})
    rest = pl.DataFrame(
        {"code": np.asarray(names)[feature], "time": np.datetime64(start) + micros, "numeric_value": values[feature, step]}
    )
    types = {"code": pl.String(), "time": pl.Datetime("us"), "numeric_value": pl.Float32()}
    return pl.concat([ends.cast(types), rest.cast(types)]).with_columns(pl.lit(subject).alias("source_id"))  # type: ignore[arg-type]


def as_images(data: Array, channel_axis: str) -> Array:
    """Images as "n C H W" in uint8, uint16 or float32, from (n, H, W) or with channels last or first.

    Raises DataError for any other number of axes, or numbers that are no pixels.
    """
    if data.ndim not in (3, 4):
        raise DataError(f"the data have {data.ndim} axes, expected images (n, H, W) or with a channel axis")
    if data.dtype == bool:
        data = data.astype(np.uint8) * 255
    elif data.dtype.kind == "f":
        data = data.astype(np.float32, copy=False)
    elif data.dtype not in (np.uint8, np.uint16):
        raise DataError(f"the pixels are {data.dtype}, expected uint8, uint16 or a float")
    if data.ndim == 3:
        return data[:, None]
    return np.moveaxis(data, -1, 1) if channel_axis == "last" else data


def as_signals(data: Array, channel_axis: str) -> Array:
    """Signals as "n C L" from (n, L) or with channels last or first. Raises DataError for any other number of axes."""
    if data.ndim not in (2, 3) or data.dtype.kind not in "biuf":
        raise DataError(f"the data are {data.dtype} with {data.ndim} axes, expected numbers (n, T) or (n, T, F)")
    if data.ndim == 2:
        return data[:, None]
    return np.swapaxes(data, 1, 2) if channel_axis == "last" else data


def build(config: Config) -> NpzReader:
    return NpzReader(config)
