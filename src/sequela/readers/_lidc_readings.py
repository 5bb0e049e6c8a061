"""What the readers of a LIDC-IDRI scan marked, from its XML file.

A nodule of 3 mm or more has an outline a slice; one that is smaller, and what is no nodule, a single point, which is not read.
The outline runs through the first pixels outside of the nodule (Armato et al. 2011, The Lung Image Database Consortium).
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from sequela.errors import DataError
from sequela.readers import _xml

GRADES = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
    "malignancy",
)


@dataclass(frozen=True, slots=True)
class Outline:
    """One outline on one slice."""

    instance: str  # SOPInstanceUID
    points: tuple[tuple[int, int], ...]  # column and row, from 0
    inside: bool  # False: what it encloses is no part of the nodule


@dataclass(frozen=True, slots=True)
class Drawn:
    """A nodule as one reader drew it."""

    name: str
    outlines: tuple[Outline, ...]
    grades: dict[str, int]  # malignancy, spiculation, …: 1 to 5, or 6 of some


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the readers of one series marked: a tuple of nodules for each of them, empty where one found none."""

    series: str
    readers: tuple[tuple[Drawn, ...], ...]


def parsed(content: bytes) -> Reading | None:
    """The reading of a CT series; None for a file of another kind (a chest X-ray has such files too).

    Raises DataError for what is not XML, names no series, or has a number that is none.
    """
    root = _xml.parsed(content)
    if root.tag != "LidcReadMessage":
        return None
    series = _xml.text(root, "ResponseHeader/SeriesInstanceUid")
    if not series:
        raise DataError("a reading that names no series")
    return Reading(series, tuple(_reader(session) for session in root.findall("readingSession")))


def _reader(session: Element) -> tuple[Drawn, ...]:
    nodules = (_drawn(nodule) for nodule in session.findall("unblindedReadNodule"))
    return tuple(nodule for nodule in nodules if any(len(outline.points) > 1 for outline in nodule.outlines))


def _drawn(nodule: Element) -> Drawn:
    grades = {name: _whole(nodule, f"characteristics/{name}") for name in GRADES if _xml.text(nodule, f"characteristics/{name}")}
    return Drawn(_xml.text(nodule, "noduleID"), tuple(_outline(roi) for roi in nodule.findall("roi")), grades)


def _outline(roi: Element) -> Outline:
    points = tuple((_whole(edge, "xCoord"), _whole(edge, "yCoord")) for edge in roi.findall("edgeMap"))
    return Outline(_xml.text(roi, "imageSOP_UID"), points, _xml.text(roi, "inclusion").upper() != "FALSE")


def _whole(element: Element, path: str) -> int:
    try:
        return int(_xml.text(element, path))
    except ValueError as error:
        raise DataError(f"a reading without a whole number at {path}") from error
