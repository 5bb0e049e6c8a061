"""What somebody marked on pictures: the masks and boxes that lie beside them, held against the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sequela.contracts import Source
from sequela.errors import DataError
from sequela.readers import _mask_file, _picture_list
from sequela.readers._marked_boxes import Fitting, Marked, coco, fitted, voc
from sequela.readers._picture import Picture
from sequela.readers._picture_list import Entry
from sequela.types import Array

TURNED = "turned by its camera (EXIF): whether it was marked before or after that is not known"


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked on one picture, in points of the picture as it is stored."""

    masks: Mapping[str, Array]  # code -> labels "1 H W" or "1 D H W"; one that is missing is not in it
    boxes: Fitting | None  # None: nobody looked for boxes
    crowds: int = 0
    tried: Mapping[str, str] = field(default_factory=dict)  # code -> where its mask was looked for


@dataclass(frozen=True, slots=True)
class MaskFiles:
    """Finds and reads masks."""

    source: Source
    files: frozenset[str]
    patterns: Mapping[str, str]  # code -> where a picture's mask lies
    values: Mapping[str, _mask_file.Values]

    def tried(self, entry: Entry) -> dict[str, str]:
        """Where each mask is looked for; "" where its pattern asks for what the picture's name does not tell."""
        return {code: _picture_list.beside(pattern, entry) for code, pattern in self.patterns.items()}

    def read(self, entry: Entry, picture: Picture) -> dict[str, Array]:
        """The masks of a picture. Raises DataError, with the mask's name, for one that does not fit it."""
        found = {}
        for code, name in self.tried(entry).items():
            if name not in self.files or name == entry.file:
                continue
            try:
                values = _mask_file.read(self.source.path(name), picture.filed)
                labels = self.values[code].labels(name, values)
            except DataError as error:
                raise DataError(f"its mask {code}: {error.message}") from error
            found[code] = nearest_points(labels, picture.values.shape[1:])[None]
        return found

    def check(self) -> None:
        """Raises DataError where the values of a mask are not plain."""
        for code, values in self.values.items():
            values.check(code)


def nearest_points(labels: Array, shape: Sequence[int]) -> Array:
    """The labels at the nearest point of each point of a picture of another size; themselves where it is the same."""
    if labels.shape == tuple(shape):
        return labels
    places = [((np.arange(n) + 0.5) * had / n).astype(np.int64) for n, had in zip(shape, labels.shape, strict=True)]
    return np.ascontiguousarray(labels[np.ix_(*places)])


@dataclass(frozen=True, slots=True)
class BoxFiles:
    """Finds and reads boxes: from one file for all (`listed`), or one beside each picture (`pattern`)."""

    source: Source
    files: frozenset[str]
    pattern: str = ""
    listed: Mapping[str, Marked] = field(default_factory=dict)  # picture -> boxes

    def read(self, entry: Entry, picture: Picture) -> tuple[Fitting | None, int]:
        """The boxes on a picture and the count of crowds left out. Raises DataError for a file that does not fit it."""
        marked = self._marked(entry)
        if marked is None:
            return None, 0
        if len(picture.filed) == 3:
            raise DataError("boxes lie on pictures, this is a volume")
        fitting = fitted(marked, picture.filed)
        if picture.filed != picture.values.shape[1:]:
            boxes = tuple(box.scaled(picture.filed, picture.values.shape[1:]) for box in fitting.boxes)
            fitting = Fitting(boxes, fitting.refused, fitting.clipped)
        return fitting, marked.crowds

    def _marked(self, entry: Entry) -> Marked | None:
        if not self.pattern:
            return self.listed.get(entry.file)
        name = _picture_list.beside(self.pattern, entry)
        return voc(self.source.read(name)) if name in self.files else None


def listed_boxes(source: Source, files: frozenset[str], entries: Sequence[Entry], annotations: str) -> dict[str, Marked]:
    """Picture -> boxes, from the COCO files that match; without a pattern, from the only JSON file, if there is one.

    Raises DataError for a file that is not COCO, two that mark one picture, or a choice that is not plain.
    """
    names = [name for name in source.files(annotations or "*.json") if name in files and name.lower().endswith(".json")]
    if len(names) > 1 and not annotations:
        raise DataError(f"{len(names)} JSON files, any of which may hold the boxes", hint='name it: annotations = "boxes.json"')
    found: Counter[str] = Counter()
    marked: dict[str, Marked] = {}
    for name in names:
        try:
            here = coco(source.read(name))
        except DataError as error:
            raise DataError(f"{name}: {error.message}") from error
        of = {picture: here[said] for picture, said in _picture_list.by_name(entries, here).items()}
        found.update(of.keys())
        marked.update(of)
    twice = [picture for picture, times in found.items() if times > 1]
    if twice:
        raise DataError(f"the boxes of {len(twice)} pictures are in two JSON files (first: {twice[0]})")
    return marked
