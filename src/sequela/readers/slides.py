"""Whole-slide images, cut into the tiles that hold tissue, at a level or a resolution: what OpenSlide reads.

A slide is a subject, unless a table or a pattern says otherwise. Tissue is told from glass on a small picture of the whole, by
Otsu's threshold of the saturation. Written, all without time:

    TILE                a tile (3, t, t) with its place and its share of tissue: see _tiles.py
    THUMBNAIL           the whole, at no more than 1024 pixels a side
    LABEL//<column>     what the folder or the table says
    <GROUP>             static: what a named group of `subject_pattern`, or a column in `statics`, says

Source of the formats: Goode et al. 2013, OpenSlide: a vendor-neutral software foundation for digital pathology.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela import extras
from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _picture_list, _tiles
from sequela.readers._picture_events import Gathered, write_labels, write_parts, write_told
from sequela.readers._picture_list import Entry
from sequela.readers._samples import PART_NAMES
from sequela.types import Array, Payload

VERSION = 1
ENDINGS = (".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".svslide", ".bif", ".dcm")
COLOURS = ("red", "green", "blue")
WHITE = 255
SLACK = 1.01  # micrometres are rounded in files: a level this little coarser than asked for is the one


class Config(Strict, frozen=True):
    tile: Annotated[int, Meta(ge=1)] = 256  # pixels a side
    tile_step: Annotated[int, Meta(ge=1)] | None = None  # from one to the next; left out: side by side
    level: Annotated[int, Meta(ge=0)] | None = None  # of the slide's pyramid, 0 the finest; left out: 0, or by mpp
    mpp: Annotated[float, Meta(gt=0)] | None = None  # micrometres a pixel of the tiles
    tissue: Annotated[float, Meta(ge=0, le=1)] = 0.5  # least share of a tile; 0 keeps all
    most: Annotated[int, Meta(ge=1)] = 100_000  # tiles of a slide; one with more is refused
    table: str = ""  # a CSV file in the source, one line a slide; left out: all slides of the source
    file: str = "file"  # columns of the table; the paths are from the table's folder, or the source's
    labels: tuple[str, ...] = ("label",)  # columns; the default may be missing
    subject: str = "subject"
    part: str = "part"
    statics: tuple[str, ...] = ()  # columns of the table that describe the subject
    subject_pattern: str = ""  # as of the reader images


@dataclass(frozen=True, slots=True)
class Scale:
    """How tiles are read of a slide."""

    level: int
    down: float  # pixels of the finest level to one of this level
    zoom: float  # pixels of this level to one of the tile
    mpp: float  # micrometres a pixel of the tile, 0 where unknown

    @property
    def span(self) -> float:
        """Pixels of the finest level to one of the tile."""
        return self.down * self.zoom


def scale(slide: Any, config: Config) -> Scale:
    """The level to read: the one asked for, or the coarsest that is fine enough for the resolution.

    Raises DataError where the slide has no such level, or does not say its resolution.
    """
    downs = slide.level_downsamples
    base = _base(slide)
    if config.mpp is None:
        level = config.level or 0
        if level >= len(downs):
            raise DataError(f"it has {len(downs)} levels, none of the number {level}")
        return Scale(level, downs[level], 1.0, base * downs[level])
    if not base:
        raise DataError("it does not say how many micrometres a pixel spans; choose a level instead")
    fine = [level for level, down in enumerate(downs) if base * down <= config.mpp * SLACK]
    if not fine:
        raise DataError(f"its finest pixels span {base:.3g} micrometres, more than the {config.mpp:.3g} asked for")
    zoom = config.mpp / (base * downs[fine[-1]])
    return Scale(fine[-1], downs[fine[-1]], 1.0 if abs(zoom - 1) < SLACK - 1 else zoom, config.mpp)


def _base(slide: Any) -> float:
    """Micrometres a pixel of the finest level, 0 where the slide does not say or says it differently down and across."""
    try:
        across, down = (float(slide.properties[f"openslide.mpp-{axis}"]) for axis in "xy")
    except (KeyError, ValueError):
        return 0.0
    return across if across > 0 and abs(across / down - 1) < SLACK - 1 else 0.0


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide, read tile by tile."""

    opened: Any  # openslide.OpenSlide
    config: Config
    scale: Scale

    def places(self, thumbnail: Array) -> list[_tiles.Place]:
        """Where its tiles with enough tissue lie, row by row. Raises DataError where there are none, or too many."""
        width, height = self.opened.dimensions
        size, step = (max(1, round(n * self.scale.span)) for n in (self.config.tile, self.config.tile_step or self.config.tile))
        every = _tiles.with_tissue(_tiles.tissue(thumbnail), (height, width), size, step, self.config.tissue)
        found = [replace(place, down=self.scale.span, mpp=self.scale.mpp) for place in islice(every, self.config.most + 1)]
        if not found or len(found) > self.config.most:
            raise DataError(f"over {self.config.most} tiles hold tissue" if found else "no tile holds enough tissue")
        return found

    def tile(self, place: _tiles.Place) -> Array:
        """uint8 "3 t t"."""
        import PIL.Image

        side = max(1, round(self.config.tile * self.scale.zoom))
        region = on_white(self.opened.read_region((place.column, place.row), self.scale.level, (side, side)))
        if side != self.config.tile:
            region = region.resize((self.config.tile, self.config.tile), PIL.Image.Resampling.BOX)
        return np.ascontiguousarray(np.asarray(region).transpose(2, 0, 1))

    def thumbnail(self) -> tuple[Array, float]:
        """The whole, uint8 "3 h w", and how many pixels of the finest level one of its pixels spans."""
        shown = self.opened.get_thumbnail((_tiles.THUMBNAIL, _tiles.THUMBNAIL)).convert("RGB")
        return np.ascontiguousarray(np.asarray(shown).transpose(2, 0, 1)), max(self.opened.dimensions) / max(shown.size)


def on_white(region: Any) -> Any:
    """A region without transparency: where nothing was scanned it is white."""
    import PIL.Image

    paper = PIL.Image.new("RGB", region.size, (WHITE, WHITE, WHITE))
    paper.paste(region, mask=region.getchannel("A"))
    return paper


@dataclass(frozen=True, slots=True)
class SlidesReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes the tiles of every slide; one that is missing, damaged, without tissue or too large is refused by its name.

        Raises DataError where there is no slide or no such table, MissingExtra where OpenSlide is not installed.
        """
        openslide = extras.need("openslide", "slides")
        files = _picture_list.readable(source.files(), sink)
        columns, entries = self._listed(source, sink, files)
        if not entries:
            raise DataError(f"{source.name} has no slide", hint=f"the reader slides takes a folder of {', '.join(ENDINGS)} files")
        reading = _Reading(self.config, openslide, source, files, sink)
        for done, entry in enumerate(entries, 1):
            try:
                reading.take(entry)
            except DataError as error:
                sink.refuse(entry.file, error.message)
            sink.progress(done, len(entries))
        reading.rows.write(sink)
        write_labels(sink, reading.entries, columns)
        write_told(sink, reading.entries)
        write_parts(sink, reading.entries)
        sink.accept(len(reading.entries))

    def _listed(self, source: Source, sink: Sink, files: frozenset[str]) -> tuple[tuple[str, ...], list[Entry]]:
        config = self.config
        if config.table:
            optional = config.labels == ("label",)
            names = _picture_list.Columns(config.file, config.subject, config.part, config.labels, config.statics, optional)
            columns, entries = _picture_list.table(source, files, config.table, names)
        else:
            columns, entries = ("label",), _picture_list.folders(files, ENDINGS)
        return columns, _picture_list.kept(entries, config.subject_pattern, sink) if config.subject_pattern else entries


@dataclass(frozen=True)
class _Reading:
    """The reading of one source, slide by slide."""

    config: Config
    openslide: ModuleType
    source: Source
    files: frozenset[str]
    sink: Sink
    rows: Gathered = field(default_factory=Gathered)
    entries: list[Entry] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Writes a slide's tiles. Raises DataError, with nothing of it told, where it cannot be used."""
        self._check(entry)
        with opened(self.openslide, self.source.path(entry.file)) as slide:
            whole = Slide(slide, self.config, scale(slide, self.config))
            thumbnail, down = whole.thumbnail()
            places = whole.places(thumbnail)
            uris = [self._payload(entry, f"{place.row},{place.column}", whole.tile(place)) for place in places]
        shown = self._payload(entry, "thumbnail", thumbnail)
        self.rows.of("THUMBNAIL", "payload").add(entry.subject, payload=shown, text=f"{down:.8g}")
        for place, uri in zip(places, uris, strict=True):
            self.rows.of("TILE", "payload").add(entry.subject, payload=uri, text=place.text, number=place.tissue)
        self.entries.append(entry)

    def _payload(self, entry: Entry, name: str, values: Array) -> str:
        return self.sink.payload(f"{entry.file}#{name}", Payload(values, None, COLOURS))

    def _check(self, entry: Entry) -> None:
        if entry.file not in self.files:
            raise DataError("listed in the table, but not there")
        if entry.part and entry.part.lower() not in PART_NAMES:
            raise DataError("its part is none of train, tune (val) and test")
        if entry.subject in {one.subject for one in self.entries}:
            raise DataError("a second slide of its subject, whose tiles could not be told apart")


@contextmanager
def opened(openslide: ModuleType, path: Path) -> Iterator[Any]:
    """The slide. Raises DataError for a file that OpenSlide cannot read, wherever that shows."""
    try:
        with openslide.OpenSlide(path) as slide:
            yield slide
    except openslide.OpenSlideUnsupportedFormatError as error:
        raise DataError("no slide that OpenSlide knows; an ordinary picture is cut into tiles by the reader images") from error
    except (openslide.OpenSlideError, OSError) as error:
        raise DataError(f"a damaged slide ({type(error).__name__})") from error


def build(config: Config) -> SlidesReader:
    """Raises ConfigError for a level and a resolution at once, or a pattern that is no regular expression."""
    if config.level is not None and config.mpp is not None:
        raise ConfigError("slides are read at a level or at a resolution (mpp), not at both")
    _picture_list.check_expression(config.subject_pattern)
    return SlidesReader(config)
