"""The NIH set ChestX-ray14: 112,120 frontal chest X-rays of 30,805 patients, as it is given out.

    Data_Entry_2017.csv (or …_v2020.csv)    a line a picture: findings joined by |, follow-up number, patient, age, sex, view
    train_val_list.txt, test_list.txt       the official parts, by patient; read where they are there
    BBox_List_2017.csv                      984 boxes on 880 pictures, left, top, width and height from 0; read where it is there
    images_001/images/*.png …               the pictures, in whatever folder

A patient is a subject. The set has no dates: a picture is stamped with the day of its follow-up number. Written, stamped so:

    IMAGE                       with the spacing of its points, from that of the original which was brought to 1024 × 1024
    LABEL//<finding>            1 or 0, of each of the fourteen; LABEL//No Finding
    AGE (years), VIEW           static; SEX without time
    BOX//<finding>, BOXES       of pictures that the list of boxes names

Source: Wang et al. 2017, ChestX-ray8: hospital-scale chest X-ray database, CVPR; its README of 2017 and the file of 2020.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated

import polars as pl
from msgspec import Meta

from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _picture, _picture_list
from sequela.readers._marked_boxes import Box, Marked
from sequela.readers._picture_events import write_told
from sequela.readers._picture_list import Entry
from sequela.readers._samples import ANCHOR
from sequela.readers._shots import Shot, ShotWriter
from sequela.types import Part

VERSION = 1
FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia", "Infiltration",
    "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
)  # fmt: skip
NOTHING = "No Finding"
SPELLED = {"Infiltrate": "Infiltration"}  # as the list of boxes has it -> as the table has it
NEEDED = ("Image Index", "Finding Labels", "Follow-up #", "Patient ID")
SPACING = ("OriginalImagePixelSpacing[x", "y]", "OriginalImage[Width", "Height]")  # columns, as a comma splits their names
LISTS: Mapping[str, Part] = {"train_val_list.txt": "train", "test_list.txt": "test"}
AGE = re.compile(r"^0*(\d+)([YMWD]?)$")
YEARS = {"": 1.0, "Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
OLDEST = 120  # years: the set has ages such as 414, which are errors


class Config(Strict, frozen=True):
    size: int | tuple[int, int] | None = None  # height and width to which all are brought; left out: as they are, 1024 × 1024
    partial: bool = False  # only some of the pictures are there: the others are left out and counted, not refused
    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000


@dataclass(frozen=True, slots=True)
class Lists:
    """What the files beside the table say, by picture."""

    files: Mapping[str, str]  # picture -> where it lies
    parts: Mapping[str, Part]
    boxes: Mapping[str, Marked]


@dataclass(frozen=True, slots=True)
class ChestXray14Reader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every picture of the table; one that is missing, damaged or not understood is refused by its name.

        Raises DataError where the source has no such table.
        """
        files = _picture_list.readable(source.files(), sink)
        table = _table(source, files)
        form = _picture.Form("grey", _picture.both(self.config.size), self.config.max_pixels)
        writer = ShotWriter(source, sink, form, self.config.partial)
        lists = Lists(_pictures(files), _parts(source, files), _boxes(source, files, sink))
        for done, line in enumerate(table.iter_rows(named=True), 1):
            try:
                shot = _shot(line, lists, sink)
            except DataError as error:
                sink.refuse(line["Image Index"], error.message)
            else:
                writer.take(shot)
            sink.progress(done, len(table))
        seen = {subject for subject, _ in writer.taken}
        write_told(sink, [entry for entry in _sexes(table) if entry.subject in seen])
        writer.finish()


def _table(source: Source, files: frozenset[str]) -> pl.DataFrame:
    found = [name for name in files if PurePosixPath(name).name.startswith("Data_Entry_2017") and name.endswith(".csv")]
    if len(found) != 1:
        raise DataError(
            f"{source.name} has {len(found)} tables Data_Entry_2017….csv",
            hint="the reader chestxray14 takes the folder of the set",
        )
    table = _picture_list.cells(source, files, found[0])
    absent = [column for column in NEEDED if column not in table.columns]
    if absent:
        raise DataError(f"the table {found[0]} has no column {absent[0]!r}")
    return table


def _pictures(files: frozenset[str]) -> dict[str, str]:
    return {PurePosixPath(name).name: name for name in sorted(files) if name.lower().endswith(".png")}


def _parts(source: Source, files: frozenset[str]) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for name in sorted(files):
        part = LISTS.get(PurePosixPath(name).name)
        if part:
            found |= dict.fromkeys(source.read(name).decode("utf-8", "replace").split(), part)
    return found


def _boxes(source: Source, files: frozenset[str], sink: Sink) -> dict[str, Marked]:
    """The boxes of each picture that the list names; a line that is not understood is refused."""
    boxes: dict[str, list[Box]] = defaultdict(list)
    for name in (name for name in sorted(files) if PurePosixPath(name).name == "BBox_List_2017.csv"):
        for number, line in enumerate(_picture_list.cells(source, files, name).iter_rows(), 2):
            try:
                boxes[line[0]].append(_box(line))
            except (ValueError, IndexError):
                sink.refuse(f"{name} line {number}", "expected a picture, a finding and four numbers")
    return {picture: Marked(tuple(found)) for picture, found in boxes.items()}


def _box(line: tuple[str, ...]) -> Box:
    left, top, width, height = (float(text) for text in line[2:6])
    return Box(SPELLED.get(line[1], line[1]), top, left, top + height, left + width)


def _shot(line: Mapping[str, str], lists: Lists, sink: Sink) -> Shot:
    """Raises DataError for a finding, patient or follow-up number that is not understood."""
    name, patient, number = line["Image Index"], line["Patient ID"], line["Follow-up #"]
    if not patient.isdecimal() or not number.isdecimal() or int(number) > 100_000:
        raise DataError("its patient or follow-up number is no number")
    view = line.get("View Position", "")
    told: dict[str, str | float] = {"VIEW": view} if view else {}
    age = _years(line.get("Patient Age", ""))
    if age is not None and age <= OLDEST:
        told["AGE"] = age
    else:
        sink.note("an age that is missing or over 120 years: left out", 1)
    return Shot(
        name=name,
        file=lists.files.get(name, ""),
        subject=str(int(patient)),
        time=ANCHOR + timedelta(days=int(number)),
        labels=_labels(line["Finding Labels"]),
        told=told,
        part=lists.parts.get(name),
        boxes=lists.boxes.get(name),
        spacing=_spacing(line),
    )


def _labels(findings: str) -> dict[str, float]:
    """1 or 0 of every finding. Raises DataError for one of another name, or none at all."""
    found = {SPELLED.get(name.strip(), name.strip()) for name in findings.split("|")}
    strange = found - {*FINDINGS, NOTHING}
    if strange or (NOTHING in found and len(found) > 1):
        raise DataError("its findings are not those of the set, or a finding and none at once")
    return {name: float(name in found) for name in FINDINGS} | {NOTHING: float(NOTHING in found)}


def _years(text: str) -> float | None:
    """An age as the set writes it, "058Y", "013M", "004D" or a number of years; None where it is not one.

    >>> _years("058Y"), _years("006M"), _years("58"), _years("")
    (58.0, 0.5, 58.0, None)
    """
    found = AGE.match(text)
    return None if found is None else int(found[1]) * YEARS[found[2]]


def _spacing(line: Mapping[str, str]) -> tuple[float, float] | None:
    """Millimetres from point to point of the 1024 × 1024 file, down and across; None where the table does not say."""
    try:
        across, down, width, height = (float(line[column]) for column in SPACING)
    except (KeyError, ValueError):
        return None
    side = 1024  # to which every original was stretched
    return (down * height / side, across * width / side) if min(across, down, width, height) > 0 else None


def _sexes(table: pl.DataFrame) -> list[Entry]:
    column = next((name for name in ("Patient Gender", "Patient Sex") if name in table.columns), None)
    if column is None:
        return []
    said = table.filter((pl.col(column) != "") & pl.col("Patient ID").str.contains(r"^\d+$")).unique(
        "Patient ID", maintain_order=True
    )
    return [Entry("", str(int(patient)), told={"sex": sex}) for patient, sex in said.select("Patient ID", column).iter_rows()]


def build(config: Config) -> ChestXray14Reader:
    """Raises ConfigError for a size without pixels."""
    _picture.both(config.size)
    return ChestXray14Reader(config)
