"""Pictures: a folder, or a table (CSV) of PNG and JPEG files, with labels from the table or from the folders' names.

Without a table an image's label is the name of its folder, and a folder named train, val or test above it says its part:
`train/NORMAL/0007.png`. With a table, each line names a file, and may name a subject, a part and labels. Written: IMAGE without
time, 8 or 16 bits as in the file, upright as the camera says; LABEL//<column>.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import ModuleType
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from msgspec import Meta

from sequela import extras
from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers._samples import PART_NAMES, events, label_events
from sequela.registry import nearest
from sequela.types import Array, Payload

VERSION = 1
ENDINGS = (".png", ".jpg", ".jpeg")
CHANNELS = {"grey": ("grey",), "colour": ("red", "green", "blue")}
DEFAULT_LABELS = ("label",)
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)  # what Pillow raises on bad files


class Config(Strict, frozen=True):
    table: str = ""  # a CSV file in the source, one line an image; left out: all images of the source
    file: str = "file"  # columns of the table; the paths are from the table's folder, or the source's
    labels: tuple[str, ...] = DEFAULT_LABELS  # columns; the default may be missing
    subject: str = "subject"  # left out of the table: each image is a subject
    part: str = "part"
    mode: Literal["grey", "colour"] = "grey"
    size: int | tuple[int, int] | None = None  # height and width to which all are brought; left out: as they are
    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000  # an image that says it has more is refused unread


@dataclass(frozen=True, slots=True)
class Entry:
    """One image to read."""

    file: str
    subject: str
    part: str = ""
    labels: tuple[str, ...] = ()  # one for each label column, "" where missing


@dataclass(slots=True)
class _Taken:
    """What was read so far."""

    entries: list[Entry] = field(default_factory=list)
    uris: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ImagesReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every image; one that is missing, damaged, too large or of an unknown part is refused by its name.

        Raises DataError where there is no image or no such table, MissingExtra where Pillow is not installed.
        """
        pillow = extras.need("PIL.Image", "images")
        extras.need("PIL.ImageOps", "images")
        files = frozenset(source.files())
        columns, entries = self._listed(source, files) if self.config.table else _folders(files)
        if not entries:
            raise DataError(
                f"{source.name} has no PNG or JPEG image", hint="the reader images takes a folder of images, or a table"
            )
        taken = _Taken()
        for done, entry in enumerate(entries, 1):
            try:
                if entry.file in taken.files:
                    raise DataError("listed more than once; the first line counts")
                image = self._image(pillow, source, files, entry)
            except DataError as error:
                sink.refuse(entry.file, error.message)
            else:
                taken.uris.append(sink.payload(entry.file, Payload(image, None, CHANNELS[self.config.mode])))
                taken.entries.append(entry)
                taken.files.add(entry.file)
            sink.progress(done, len(entries))
        _write(sink, taken, columns)

    def _image(self, pillow: ModuleType, source: Source, files: frozenset[str], entry: Entry) -> Array:
        if entry.file not in files:
            raise DataError("listed in the table, but not there")
        if entry.part and entry.part.lower() not in PART_NAMES:
            raise DataError("its part is none of train, tune (val) and test")
        with _quiet(pillow):
            try:
                with pillow.open(source.path(entry.file), formats=("PNG", "JPEG")) as image:
                    return self._pixels(pillow, image)
            except (*DAMAGED, pillow.DecompressionBombError) as error:
                raise DataError(f"not a readable PNG or JPEG image ({type(error).__name__})") from error

    def _pixels(self, pillow: ModuleType, image: Any) -> Array:
        """uint8, or uint16 of a grey image of 16 bits, "C H W"."""
        if image.width * image.height > self.config.max_pixels:
            raise DataError(f"says it has {image.width} × {image.height} pixels, over max_pixels")
        image = extras.need("PIL.ImageOps", "images").exif_transpose(image)
        if image.mode.startswith("I") and self.config.mode == "grey":
            found = np.asarray(self._sized(pillow, image.convert("I"))).clip(0, 65535).astype(np.uint16)
        elif image.mode.startswith("I"):
            raise DataError("a grey image of 16 bits, where colour is asked for")
        else:
            found = np.asarray(self._sized(pillow, image.convert("L" if self.config.mode == "grey" else "RGB")))
        return found[None] if found.ndim == 2 else np.ascontiguousarray(found.transpose(2, 0, 1))

    def _sized(self, pillow: ModuleType, image: Any) -> Any:
        size = self.config.size
        if size is None:
            return image
        height, width = (size, size) if isinstance(size, int) else size
        return image.resize((width, height), pillow.Resampling.BILINEAR, reducing_gap=None)

    def _listed(self, source: Source, files: frozenset[str]) -> tuple[tuple[str, ...], list[Entry]]:
        """The label columns that the table has, and its entries."""
        config = self.config
        table = _table(source, files, config.table)
        if config.file not in table.columns:
            hint = nearest(config.file, table.columns)
            raise DataError(f"the table {config.table} has no column {config.file!r}", hint=hint)
        columns = tuple(name for name in config.labels if name in table.columns)
        absent = [name for name in config.labels if name not in columns]
        if absent and config.labels != DEFAULT_LABELS:
            raise DataError(f"the table {config.table} has no column {absent[0]!r}", hint=nearest(absent[0], table.columns))
        folder = PurePosixPath(config.table).parent
        entries = []
        for line in table.iter_rows(named=True):
            beside = str(folder / line[config.file])
            name = beside if beside in files else line[config.file]
            subject, labels = line.get(config.subject, ""), tuple(line[column] for column in columns)
            entries.append(Entry(name, subject or _stem(name), line.get(config.part, ""), labels))
        return columns, entries


def _table(source: Source, files: frozenset[str], name: str) -> pl.DataFrame:
    """The CSV file, every cell as text, "" where empty."""
    if name not in files:
        raise DataError(
            f"{source.name} has no table {name!r}", hint=nearest(name, sorted(f for f in files if f.endswith(".csv")))
        )
    try:
        return pl.read_csv(source.path(name), infer_schema=False).fill_null("").select(pl.all().str.strip_chars())
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the table {name} is not a CSV file with a line of column names") from error


def _folders(files: frozenset[str]) -> tuple[tuple[str, ...], list[Entry]]:
    """Every image, labelled by its folder; folders that name a part are no labels."""
    entries = []
    for name in sorted(files):
        if not name.lower().endswith(ENDINGS):
            continue
        above = PurePosixPath(name).parent.parts
        parts = [part for part in above if part.lower() in PART_NAMES]
        label = above[-1] if above and above[-1] not in parts else ""
        entries.append(Entry(name, _stem(name), parts[0] if parts else "", (label,)))
    return ("label",), entries


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


@contextmanager
def _quiet(pillow: ModuleType) -> Iterator[None]:
    """Without Pillow's warning at large images: `max_pixels` decides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow.DecompressionBombWarning)
        yield


def _write(sink: Sink, taken: _Taken, columns: Sequence[str]) -> None:
    subjects = [entry.subject for entry in taken.entries]
    sink.code("IMAGE", "payload")
    sink.events(events(subjects, "IMAGE", {"payload": pl.Series(taken.uris, dtype=pl.String)}))
    for number, column in enumerate(columns):
        sink.code(f"LABEL//{column}", "label")
        sink.events(label_events(subjects, column, _numbers([entry.labels[number] for entry in taken.entries])))
    for entry in taken.entries:
        if entry.part:
            sink.part(entry.subject, PART_NAMES[entry.part.lower()])
    sink.accept(len(taken.entries))


def _numbers(labels: Sequence[str]) -> Array:
    """Labels as numbers where all that are there are numbers, else as words."""
    column = pl.Series(labels, dtype=pl.String).replace("", None)
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() > column.null_count() or column.null_count() == len(column):
        return np.asarray(labels, np.str_)
    whole = column.cast(pl.Int64, strict=False)
    return whole.to_numpy() if not whole.null_count() else numbers.fill_null(np.nan).to_numpy()


def build(config: Config) -> ImagesReader:
    """Raises ConfigError for a size without pixels."""
    size = config.size if isinstance(config.size, tuple) else (config.size,)
    if any(side is not None and side < 1 for side in size):
        raise ConfigError(f"an image cannot have the size {config.size}", hint="a number of pixels, or height and width")
    return ImagesReader(config)
