"""Boxes on pictures from annotation files: Pascal VOC, an XML file a picture, and COCO, one JSON file for many.

VOC counts pixels from 1 and names the first and the last one inside; COCO gives the left and top edge, width and height, from 0.
Either becomes edges: top, left, bottom, right, the first pixel reaching from 0 to 1.
Sources: Everingham et al. 2010, The Pascal visual object classes challenge; Lin et al. 2014, Microsoft COCO.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import msgspec

from sequela.errors import DataError
from sequela.readers import _xml

CLIPPED = "a box that reached over the edge of its picture, cut there"
CROWD = "a COCO box around a crowd of things, left out"


@dataclass(frozen=True, slots=True)
class Box:
    """One thing on a picture."""

    name: str  # of its class
    top: float
    left: float
    bottom: float
    right: float

    @property
    def text(self) -> str:
        """Four numbers, as an event has them."""
        return " ".join(f"{edge:.8g}" for edge in (self.top, self.left, self.bottom, self.right))

    def scaled(self, filed: Sequence[int], size: Sequence[int]) -> Box:
        """The box on the picture brought from one height and width to another."""
        down, across = size[0] / filed[0], size[1] / filed[1]
        return replace(self, top=self.top * down, left=self.left * across, bottom=self.bottom * down, right=self.right * across)


@dataclass(frozen=True, slots=True)
class Marked:
    """All boxes that somebody drew on a picture."""

    boxes: tuple[Box, ...]
    size: tuple[int, int] | None = None  # height and width that the file says the picture has
    crowds: int = 0  # boxes around many things, not read


@dataclass(frozen=True, slots=True)
class Fitting:
    """Boxes held against their picture."""

    boxes: tuple[Box, ...]  # inside of it
    refused: Mapping[int, str]  # which of the boxes, from 1 -> why
    clipped: int


def fitted(marked: Marked, filed: Sequence[int]) -> Fitting:
    """The boxes that lie on a picture of this height and width, cut at its edges.

    Raises DataError where they were drawn on a picture of another size.
    """
    if marked.size is not None and marked.size != tuple(filed):
        there, here = (" × ".join(map(str, size)) for size in (marked.size, filed))
        raise DataError(f"its boxes are of a picture of {there} pixels, it has {here}")
    kept, refused, clipped = [], {}, 0
    for number, box in enumerate(marked.boxes, 1):
        inside = _clipped(box, filed)
        if box.bottom <= box.top or box.right <= box.left:
            refused[number] = "a box without extent"
        elif inside.bottom <= inside.top or inside.right <= inside.left:
            refused[number] = "a box that lies outside of its picture"
        else:
            kept.append(inside)
            clipped += inside != box
    return Fitting(tuple(kept), refused, clipped)


def _clipped(box: Box, filed: Sequence[int]) -> Box:
    height, width = filed
    return replace(box, top=max(box.top, 0), left=max(box.left, 0), bottom=min(box.bottom, height), right=min(box.right, width))


# --------------------------------------------------------------------------------------------------------------------------- VOC


def voc(content: bytes) -> Marked:
    """The boxes of one annotation file. Raises DataError for what is not one."""
    root = _xml.parsed(content)
    if root.tag != "annotation":
        raise DataError(f"an XML file of <{root.tag}>, not a Pascal VOC <annotation>")
    size = None if root.find("size") is None else (round(_number(root, "size/height")), round(_number(root, "size/width")))
    return Marked(tuple(_voc_box(thing) for thing in root.iter("object")), size)


def _voc_box(thing: Element) -> Box:
    name = _xml.text(thing, "name")
    if not name:
        raise DataError("a Pascal VOC object without a name")
    left, top, right, bottom = (_number(thing, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax"))
    if right <= left or bottom <= top:
        return Box(name, top, left, top, left)  # drawn by a click without a drag: no pixel is meant
    return Box(name, top - 1, left - 1, bottom, right)


def _number(element: Element, path: str) -> float:
    try:
        found = float(_xml.text(element, path))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise DataError(f"a Pascal VOC file without a number at {path}")
    return found


# -------------------------------------------------------------------------------------------------------------------------- COCO


class _Image(msgspec.Struct, frozen=True):
    id: int | str
    file_name: str
    height: int | None = None
    width: int | None = None


class _Annotation(msgspec.Struct, frozen=True):
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]  # left, top, width, height
    iscrowd: int = 0


class _Category(msgspec.Struct, frozen=True):
    id: int | str
    name: str


class _Coco(msgspec.Struct, frozen=True):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def coco(content: bytes) -> dict[str, Marked]:
    """What is marked on each picture, by the file's name as it is given.

    A picture without a box was looked at, and nothing found. Raises DataError for what is not COCO, or a box of an unknown
    picture or category.
    """
    try:
        found = msgspec.json.decode(content, type=_Coco)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not a COCO file of instances ({error})") from error
    names = {category.id: category.name for category in found.categories}
    known = {image.id for image in found.images}
    boxes: dict[int | str, list[Box]] = defaultdict(list)
    crowds: Counter[int | str] = Counter()
    for one in found.annotations:
        if one.image_id not in known or one.category_id not in names:
            raise DataError("a COCO file with a box of a picture or category that it does not list")
        if one.iscrowd:
            crowds[one.image_id] += 1
        else:
            boxes[one.image_id].append(_coco_box(names[one.category_id], one.bbox))
    return {image.file_name: Marked(tuple(boxes[image.id]), _coco_size(image), crowds[image.id]) for image in found.images}


def _coco_box(name: str, given: tuple[float, float, float, float]) -> Box:
    left, top, width, height = given
    return Box(name, top, left, top + height, left + width)


def _coco_size(image: _Image) -> tuple[int, int] | None:
    return None if image.height is None or image.width is None else (image.height, image.width)
