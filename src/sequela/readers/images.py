"""Pictures: a folder, or a table (CSV) of PNG, JPEG and TIFF files, with labels, masks and boxes that lie beside them.

Without a table an image's label is the name of its folder, and a folder named train, val or test above it says its part:
`train/NORMAL/0007.png`. With a table, each line names a file, and may name a subject, a part and labels. Written, without time:

    IMAGE                   8 or 16 bits, or real numbers, as in the file, upright as the camera says
    LABEL//<column>         what the folder or the table says
    MASK, or as named       label: an integer map of the same shape, from `masks = { MASK = "../labels/{stem}.png" }`
    BOX//<class>            label, its text "top left bottom right" in pixels of the stored picture, from `boxes`
    BOXES                   label: how many; a picture without it was marked by nobody
    LABEL//count_<class>    how many of each class; of a mask in `count`, LABEL//count_<mask>
    <GROUP>                 static: what a named group of `subject_pattern`, or a column in `statics`, says
    KIND, SIZE              static, where `describe` asks: grey or colour, and height × width, of the file
    TILE                    its tiles, where `tile` asks: see _tiles.py; the last of a row or column is moved back to end with it
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _label_table, _mask_file, _picture, _picture_list, _tiles
from sequela.readers._label_table import DEFAULT_LABELS
from sequela.readers._picture_events import PictureWriter
from sequela.readers._picture_list import Entry
from sequela.readers._picture_marks import TURNED, BoxFiles, Marks, MaskFiles, listed_boxes
from sequela.readers._samples import PART_NAMES
from sequela.types import Part

VERSION = 2
Label = Annotated[int, Meta(ge=0, le=65535)]


class Config(Strict, frozen=True):
    table: str = ""  # a CSV file in the source, one line an image; left out: all images of the source
    file: str = "file"  # columns of the table; the paths are from the table's folder, or the source's
    labels: tuple[str, ...] | None = None  # columns; left out: "label" if there is one, or the folder where nothing is marked
    subject: str = "subject"  # left out of the table: each image is a subject
    part: str = "part"
    statics: tuple[str, ...] = ()  # columns of the table that describe the subject: "age" becomes AGE
    pictures: str = "**"  # without a table: which of the files, as "images/*.png"
    subject_pattern: str = ""  # a regular expression on the path without ending; its named groups are statics, but `subject`
    parts: Mapping[Part, str] = {}  # a list of pictures in the source (a .txt file), or a regular expression on the path
    masks: Mapping[str, str] = {}  # code -> where a picture's mask lies, from its folder; {stem} and named groups are filled in
    mask_values: tuple[Label, ...] | None = None  # the k-th becomes k; left out: as they are, but 255 alone is 1
    count: tuple[str, ...] = ()  # masks whose values number single things
    boxes: Literal["", "voc", "coco"] = ""
    annotations: str = ""  # voc: where a picture's file lies, as in masks; coco: which JSON files of the source
    mode: _picture.Mode = "grey"
    size: int | tuple[int, int] | None = None  # height and width to which all are brought; left out: as they are
    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000  # an image that says it has more is refused unread
    pages: Literal["refuse", "volume"] = "refuse"  # of a TIFF with several
    describe: bool = False  # KIND and SIZE too
    tile: Annotated[int, Meta(ge=1)] | None = None  # pixels a side: the picture is also cut into tiles
    tile_step: Annotated[int, Meta(ge=1)] | None = None  # from one to the next; left out: side by side

    @property
    def form(self) -> _picture.Form:
        """How a picture is read."""
        return _picture.Form(self.mode, _picture.both(self.size), self.max_pixels, self.pages)

    @property
    def groups(self) -> tuple[str, ...]:
        """The statics that patterns may name."""
        named = re.compile(self.subject_pattern).groupindex
        return (*(name for name in named if name != "subject"), *self.statics)


@dataclass(frozen=True, slots=True)
class ImagesReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every image; one that is missing, damaged, too large, in no known part or wrongly marked is refused by name.

        Raises DataError where there is no image or no such table, or what marks them all cannot be used.
        """
        files = _picture_list.readable(source.files(), sink)
        columns, entries = self._listed(source, sink, files)
        if not entries:
            raise DataError(
                f"{source.name} has no PNG, JPEG or TIFF image", hint="the reader images takes a folder of images, or a table"
            )
        values = {code: _mask_file.Values(self.config.mask_values) for code in self.config.masks}
        masks = MaskFiles(source, files, self.config.masks, values)
        writer = self._writer(sink)
        reading = _Reading(self.config, source, files, masks, self._boxes(source, files, entries), writer)
        for done, entry in enumerate(entries, 1):
            try:
                reading.take(entry)
            except DataError as error:
                sink.refuse(entry.file, error.message)
            sink.progress(done, len(entries))
        masks.check()
        writer.finish(columns)

    def _listed(self, source: Source, sink: Sink, files: frozenset[str]) -> tuple[tuple[str, ...], list[Entry]]:
        """The label columns, and the pictures with all that is known of them before they are opened."""
        columns, entries = self._table(source, files) if self.config.table else self._folders(source, files)
        if self.config.subject_pattern:
            entries = _picture_list.kept(entries, self.config.subject_pattern, sink)
        entries = _picture_list.without_marks(entries, self.config.masks.values())
        return columns, self._with_parts(source, sink, files, entries)

    def _folders(self, source: Source, files: frozenset[str]) -> tuple[tuple[str, ...], list[Entry]]:
        chosen = files if self.config.pictures == "**" else files.intersection(source.files(self.config.pictures))
        marked = self.config.masks or self.config.boxes
        labels = (() if marked else DEFAULT_LABELS) if self.config.labels is None else self.config.labels
        _label_table.check(self.config.table, labels)
        entries = _picture_list.folders(chosen)
        return labels, entries if labels else [replace(entry, labels=()) for entry in entries]

    def _table(self, source: Source, files: frozenset[str]) -> tuple[tuple[str, ...], list[Entry]]:
        config = self.config
        labels = DEFAULT_LABELS if config.labels is None else config.labels
        columns = _picture_list.Columns(
            config.file, config.subject, config.part, labels, config.statics, labels == DEFAULT_LABELS
        )
        return _picture_list.table(source, files, config.table, columns)

    def _with_parts(self, source: Source, sink: Sink, files: frozenset[str], entries: list[Entry]) -> list[Entry]:
        if not self.config.parts:
            return entries
        listed = _picture_list.parts(source, files, entries, self.config.parts)
        for name, reason in listed.refused.items():
            sink.refuse(name, reason)
        for name in listed.absent:
            sink.note(f"a list of a part that is not there: {name}", 1)
        kept = [entry for entry in entries if entry.file not in listed.refused]
        return [replace(entry, part=listed.parts.get(entry.file, entry.part)) for entry in kept]

    def _boxes(self, source: Source, files: frozenset[str], entries: Sequence[Entry]) -> BoxFiles | None:
        match self.config.boxes:
            case "voc":
                return BoxFiles(source, files, self.config.annotations or "{stem}.xml")
            case "coco":
                return BoxFiles(source, files, listed=listed_boxes(source, files, entries, self.config.annotations))
            case _:
                return None

    def _writer(self, sink: Sink) -> PictureWriter:
        config = self.config
        boxes = "BOX" if config.boxes else ""
        return PictureWriter(sink, config.mode, tuple(config.masks), config.count, boxes, config.describe)


@dataclass(frozen=True)
class _Reading:
    """The reading of one source, picture by picture."""

    config: Config
    source: Source
    files: frozenset[str]
    masks: MaskFiles
    boxes: BoxFiles | None
    writer: PictureWriter

    def take(self, entry: Entry) -> None:
        """Reads a picture whole, then writes it. Raises DataError where it cannot be used."""
        self._check(entry)
        picture = _picture.read(self.source.path(entry.file), self.config.form)
        marks, places = self._marks(entry, picture), self._places(picture)
        self.writer.add(entry, picture, marks)
        for place in places:
            self.writer.tile(entry, picture, place, self.config.tile or 0)

    def _check(self, entry: Entry) -> None:
        if entry.file not in self.files:
            raise DataError("listed in the table, but not there")
        if entry.part and entry.part.lower() not in PART_NAMES:
            raise DataError("its part is none of train, tune (val) and test")
        taken = self.writer.taken
        if entry.file in taken.files:
            raise DataError("listed more than once; the first line counts")
        own = entry.subject == _picture_list.stem(entry.file)
        if entry.subject in taken.subjects and (own or self.config.masks or self.config.boxes):
            raise DataError("a second picture of its name or subject, which would share one record and its marks")

    def _marks(self, entry: Entry, picture: _picture.Picture) -> Marks:
        masks = self.masks.read(entry, picture)
        boxes, crowds = self.boxes.read(entry, picture) if self.boxes else (None, 0)
        if picture.turned and (masks or boxes is not None):
            raise DataError(TURNED)
        return Marks(masks, boxes, crowds, self.masks.tried(entry))

    def _places(self, picture: _picture.Picture) -> list[_tiles.Place]:
        if self.config.tile is None:
            return []
        if len(picture.filed) == 3:
            raise DataError("tiles are cut of pictures, this is a volume")
        (height, width), size = picture.values.shape[1:], self.config.tile
        found = _tiles.places(height, width, size, self.config.tile_step or size)
        if not found:
            raise DataError(f"{height} × {width} pixels, less than a tile of {size}")
        return found


def build(config: Config) -> ImagesReader:
    """Raises ConfigError for a size without pixels, a pattern that cannot be understood, or marks that nothing asks for."""
    _picture.both(config.size)
    for pattern in (config.subject_pattern, *(text for text in config.parts.values() if not text.lower().endswith(".txt"))):
        _picture_list.check_expression(pattern)
    _check_masks(config)
    if config.boxes == "voc":
        _picture_list.check_pattern(config.annotations, config.groups)
    return ImagesReader(config)


def _check_masks(config: Config) -> None:
    for pattern in config.masks.values():
        _picture_list.check_pattern(pattern, config.groups)
    unknown = [code for code in config.count if code not in config.masks]
    if unknown:
        raise ConfigError(f"count names {unknown[0]!r}, which is no mask", hint=f"masks are {', '.join(config.masks) or 'none'}")
    twice = [value for value, times in Counter(config.mask_values or ()).items() if times > 1]
    if twice or config.mask_values == ():
        raise ConfigError("mask_values lists " + (f"{twice[0]} twice" if twice else "nothing"))
