"""Volumes: a folder of NIfTI files, or of what SimpleITK reads where installed, with the masks that belong to them.

Without options the images are those in folders whose name begins with `images`, or all files where there is no such folder, and
their masks are of the same name in the folder that begins with `labels` instead (the layout of the Medical Segmentation
Decathlon, Antonelli et al. 2022). A folder named train, val or test says the part.

Written: IMAGE without time, "C D H W" turned to slices from below, rows from the front and columns from the right, nothing
resampled; MASK, a label map of the same points; where `volumes` says so, LABEL//volume and LABEL//volume_<value> in ml; and
LABEL//<column> of a table that names files or subjects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import numpy as np
import polars as pl
from msgspec import Meta

from sequela import extras
from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _itk_file, _label_table, _nifti_file, _picture_list
from sequela.readers._nifti_file import Rules, Volume
from sequela.readers._nifti_names import NIFTI, called, ending, folder_of, in_images, in_labels, in_labels_instead, part_of, stem
from sequela.readers._picture_events import write_labels, write_parts, write_told
from sequela.readers._picture_list import Entry
from sequela.readers._samples import events, label_events
from sequela.readers._space import canonical
from sequela.types import Array, Payload, Space

VERSION = 1
COLOURS = ("red", "green", "blue", "alpha")
APART = 0.1  # of the smallest spacing: how far a mask's corner may lie from its image's
UNMARKED = "has no mask, where others of its folder have one"


class Config(Strict, frozen=True):
    images: str = ""  # which files are images: "*_T1w.nii.gz" (in any folder), "scans/*.nii"
    masks: str = ""  # where the mask of an image lies, from the image's folder: "../truth/{stem}.nii.gz"
    unmarked: Literal["refuse", "keep"] = "refuse"  # an image without a mask, where masks are
    subject_pattern: str = (
        ""  # a regular expression sought in the path: the group `subject` names the subject, others are statics
    )
    table: str = ""  # a CSV file in the source, one line a volume; the others are left without labels
    file: str = "file"  # columns of the table: the path or name of a volume, with its ending or without
    subject: str = "subject"  # names the volume where there is no file, else its subject
    part: str = "part"
    labels: tuple[str, ...] | None = None  # columns; left out: "label" if there is one
    code: str = "IMAGE"
    mask_code: str = "MASK"
    channels: tuple[str, ...] = ()  # names of the volumes along a fourth axis; left out: a file with a fourth axis is refused
    volumes: bool = False  # how much each label takes up becomes a label: LABEL//volume, LABEL//volume_1, … in ml
    prefer: Literal["", "sform", "qform"] = ""  # where they disagree; left out: the file is refused
    unoriented: bool = False  # take files that say nothing of directions, by their spacing alone
    fill: float | None = None  # in place of numbers that are not finite; left out: the file is refused
    max_points: Annotated[int, Meta(ge=1)] = 2**30  # a file that says it has more is refused unread


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and the file of its mask: "" where there should be none, None where there should be one and is not."""

    entry: Entry
    mask: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A volume as a store has it."""

    values: Array  # "C D H W"
    space: Space
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Taken:
    """What was read so far."""

    entries: list[Entry] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    images: list[str] = field(default_factory=list)  # uris
    masks: dict[str, str] = field(default_factory=dict)  # subject -> uri
    volumes: dict[str, Mapping[int, float]] = field(default_factory=dict)  # subject -> label -> ml
    columns: tuple[str, ...] = ()  # of labels


@dataclass(frozen=True, slots=True)
class NiftiReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every image with its mask; one that is damaged, does not fit or says too little is refused by its name.

        Raises DataError where there is no volume, MissingExtra where nibabel is not installed.
        """
        extras.need("nibabel", "nifti")
        files = [name for name in source.files() if ending(name)]
        if not files:
            raise DataError(f"{source.name} has no volume", hint=f"files that end on {', '.join((*NIFTI, *_itk_file.ENDINGS))}")
        columns, pairs = self._told(source, sink, self._pairs(source, sink, files))
        taken = _Taken(columns=columns)
        for done, pair in enumerate(pairs, 1):
            try:
                self._take(source, sink, pair, taken)
            except DataError as error:
                sink.refuse(pair.entry.file, error.message)
            sink.progress(done, len(pairs))
        _write(sink, taken, self.config)

    # Which files belong together

    def _pairs(self, source: Source, sink: Sink, files: Sequence[str]) -> list[Pair]:
        """Every image with its mask; a mask that belongs to none is refused."""
        config, there = self.config, frozenset(files)
        asked = frozenset(source.files(config.images)) if config.images else frozenset(in_images(files))
        found = [Pair(entry, self._mask_of(entry, there)) for entry in self._entries(sink, sorted(asked & there))]
        masks = {pair.mask for pair in found if pair.mask}
        if not (config.images or config.masks):
            for name in (name for name in in_labels(files) if name not in masks):
                sink.refuse(name, "a mask without its image")
        marked = {folder_of(pair.entry.file) for pair in found if pair.mask}
        return [self._expecting(pair, marked) for pair in found if pair.entry.file not in masks]

    def _told(self, source: Source, sink: Sink, pairs: list[Pair]) -> tuple[tuple[str, ...], list[Pair]]:
        """The label columns of the table, and the images with what it tells of them."""
        config = self.config
        names = {"file": config.file, "subject": config.subject}
        columns = _label_table.Columns(names, config.subject, config.part, config.labels)
        table = _label_table.read(source, sink, config.table, columns)
        if table is None:
            return (), pairs
        entries = [pair.entry for pair in pairs]
        told = _label_table.told(table, entries, called(entries, table.by), sink)
        return table.labels, [replace(pair, entry=entry) for pair, entry in zip(pairs, told, strict=True)]

    def _expecting(self, pair: Pair, marked: Set[str]) -> Pair:
        """With None where it should have a mask: one is named for all, or others of its folder have one."""
        should = bool(self.config.masks) or folder_of(pair.entry.file) in marked
        return replace(pair, mask=None) if should and not pair.mask and self.config.unmarked == "refuse" else pair

    def _entries(self, sink: Sink, images: Iterable[str]) -> list[Entry]:
        entries = [Entry(name, stem(name), part_of(name)) for name in images]
        if not self.config.subject_pattern:
            return entries
        found = []
        for entry in _picture_list.named(entries, self.config.subject_pattern):
            if isinstance(entry, Entry):
                found.append(entry)
            else:
                sink.refuse(*entry)
        return found

    def _mask_of(self, entry: Entry, files: frozenset[str]) -> str:
        """The name of its mask, "" where there is none."""
        if self.config.masks:
            words = {**entry.told, "stem": PurePosixPath(stem(entry.file)).name}
            beside = _picture_list.beside(self.config.masks, replace(entry, told=words))
            return beside if beside in files and beside != entry.file else ""
        beside = in_labels_instead(entry.file)
        return next((name for name in (beside + end for end in (*NIFTI, *_itk_file.ENDINGS)) if name in files), "")

    # What is in them

    def _take(self, source: Source, sink: Sink, pair: Pair, taken: _Taken) -> None:
        entry = pair.entry
        if entry.subject in taken.subjects:
            raise DataError("a second volume of one subject, and nothing tells when either was taken")
        if pair.mask is None:
            raise DataError(UNMARKED)
        image = self._stored(source.path(entry.file), len(self.config.channels))
        mask = self._mask(source, pair.mask, image) if pair.mask else None
        names = self.config.channels or (COLOURS[: len(image.values)] if len(image.values) > 1 else ())
        taken.images.append(sink.payload(entry.file, Payload(image.values, None, names, space=image.space)))
        taken.entries.append(entry)
        taken.subjects.add(entry.subject)
        for text in image.notes:
            sink.note(text, 1)
        if mask is not None:
            taken.masks[entry.subject] = sink.payload(pair.mask, Payload(mask, None, ("label",), space=image.space))
            taken.volumes[entry.subject] = volumes(mask, image.space)

    def _stored(self, path: Path, channels: int) -> Stored:
        config = self.config
        rules = Rules(channels, config.prefer, config.unoriented, config.fill, config.max_points)
        return stored(
            _itk_file.read(path, rules) if path.name.lower().endswith(_itk_file.ENDINGS) else _nifti_file.read(path, rules)
        )

    def _mask(self, source: Source, name: str, image: Stored) -> Array:
        """Labels "1 D H W" of the image's points."""
        try:
            mask = self._stored(source.path(name), 0)
            _check_same(mask, image)
            return labels(mask.values)
        except DataError as error:
            raise DataError(f"its mask: {error.message}") from error


def stored(volume: Volume) -> Stored:
    """The volume turned as stored ones are; one whose directions are not known keeps its axes' order, the last one first."""
    values, space = canonical(volume.values, volume.affine)
    return Stored(np.ascontiguousarray(values), replace(space, oriented=volume.oriented), volume.notes)


def labels(values: Array) -> Array:
    """A label map as uint8, or uint16 where it must be. Raises DataError for numbers that are no labels."""
    if len(values) != 1:
        raise DataError("colours, where whole numbers are expected")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535) or (values.dtype.kind == "f" and (values != np.rint(values)).any()):
        raise DataError(f"its numbers ({low:g} to {high:g}) are not whole ones from 0 to 65535")
    return values.astype(np.uint8 if high <= 255 else np.uint16)


def volumes(mask: Array, space: Space) -> dict[int, float]:
    """Millilitres of each label above 0 that occurs."""
    counts = np.bincount(mask.ravel())
    each = abs(float(np.linalg.det(space.affine[:3, :3]))) / 1000
    return {value: int(counts[value]) * each for value in np.flatnonzero(counts).tolist() if value}


def _check_same(mask: Stored, image: Stored) -> None:
    """Raises DataError where the mask has not the points of the image."""
    shapes = [" × ".join(map(str, one.values.shape[1:])) for one in (mask, image)]
    if shapes[0] != shapes[1]:
        raise DataError(f"it has the shape {shapes[0]}, its image {shapes[1]} (slices × rows × columns)")
    shape = image.values.shape[1:]
    apart = _nifti_file.corners(mask.space.affine, shape) - _nifti_file.corners(image.space.affine, shape)
    far = float(np.linalg.norm(apart, axis=1).max())
    if far > APART * min(image.space.spacing):
        raise DataError(f"it lies elsewhere: a corner is {far:.3g} mm from its image's")


# --------------------------------------------------------------------------------------------------------------------- writing


def _write(sink: Sink, taken: _Taken, config: Config) -> None:
    sink.code(config.code, "payload")
    subjects = [entry.subject for entry in taken.entries]
    sink.events(events(subjects, config.code, {"payload": pl.Series(taken.images, dtype=pl.String)}))
    if taken.masks:
        sink.code(config.mask_code, "label")
        uris = pl.Series(list(taken.masks.values()), dtype=pl.String)
        sink.events(events(list(taken.masks), config.mask_code, {"payload": uris}))
    if config.volumes:
        _write_volumes(sink, taken.volumes)
    write_labels(sink, taken.entries, taken.columns)
    write_told(sink, taken.entries)
    write_parts(sink, taken.entries)
    sink.accept(len(taken.entries))


def _write_volumes(sink: Sink, found: Mapping[str, Mapping[int, float]]) -> None:
    """A label that one mask has and another has not takes up nothing there."""
    values = sorted({value for each in found.values() for value in each})
    columns = {"volume": [math.fsum(each.values()) for each in found.values()]}
    columns |= {f"volume_{value}": [each.get(value, 0.0) for each in found.values()] for value in values}
    for name, column in columns.items():
        sink.code(f"LABEL//{name}", "label", unit="mL")
        sink.events(label_events(list(found), name, np.array(column, np.float64)))


def build(config: Config) -> NiftiReader:
    """Raises ConfigError for a subject_pattern that is no regular expression, a placeholder it does not name, labels alone."""
    _label_table.check(config.table, config.labels)
    try:
        groups = re.compile(config.subject_pattern).groupindex
    except re.error as error:
        raise ConfigError(f"subject_pattern = {config.subject_pattern!r} is not a regular expression: {error}") from error
    _picture_list.check_pattern(config.masks, groups)
    return NiftiReader(config)
