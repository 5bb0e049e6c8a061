"""The Stanford set CheXpert: 224,316 chest X-rays of 65,240 patients, as it is given out.

    train.csv, valid.csv (and test.csv)                     a line a picture: path, sex, age, view, fourteen findings
    train/patient00001/study1/view1_frontal.jpg …           the pictures

A finding is 1, 0, -1 (uncertain) or empty (not mentioned). A patient is a subject. The set has no dates: study k is stamped with
day k, its view v with minute v. Written, stamped so:

    IMAGE                       the views that `views` asks for
    LABEL//<finding>            1 or 0; what is uncertain or not mentioned as asked, left out where it is missing
    AGE (years), VIEW           static: frontal AP, frontal PA, lateral …; SEX without time

Smoothed, an uncertain finding is a number between 0.55 and 0.85, drawn by its picture's name (Pham et al. 2021, label smoothing
regularisation for U-Ones): for studies with `outcome.soft`. Source: Irvin et al. 2019, CheXpert, AAAI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal

import polars as pl
from msgspec import Meta

from sequela import seed
from sequela.config import Strict
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _picture, _picture_list
from sequela.readers._picture_events import write_told
from sequela.readers._picture_list import Entry
from sequela.readers._samples import ANCHOR
from sequela.readers._shots import Shot, ShotWriter
from sequela.types import Part

VERSION = 1
TABLES: Mapping[str, Part] = {"train.csv": "train", "valid.csv": "tune", "test.csv": "test"}
VIEW = re.compile(
    r"(?P<folder>\w+)/patient(?P<patient>\d+)/study(?P<study>\d{1,5})/view(?P<view>\d{1,3})_(?P<side>frontal|lateral)\.jpg$"
)
NOT_FINDINGS = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA")
SMOOTHED = (0.55, 0.85)


class Config(Strict, frozen=True):
    uncertain: Literal["missing", "positive", "negative", "smoothed"] = "missing"  # a finding of -1
    unmentioned: Literal["missing", "negative"] = "missing"  # a finding left empty
    views: Literal["frontal", "lateral", "all"] = "frontal"
    size: int | tuple[int, int] | None = None  # height and width to which all are brought; left out: as they are
    partial: bool = False  # only some of the pictures are there: the others are left out and counted, not refused
    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000


@dataclass(frozen=True, slots=True)
class CheXpertReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every picture of the tables; one that is missing, damaged or not understood is refused by its path.

        Raises DataError where the source has none of the tables.
        """
        files = _picture_list.readable(source.files(), sink)
        tables = {name: _table(source, files, name) for name in sorted(files) if PurePosixPath(name).name in TABLES}
        if not tables:
            raise DataError(
                f"{source.name} has no train.csv or valid.csv", hint="the reader chexpert takes the folder of the set"
            )
        form = _picture.Form("grey", _picture.both(self.config.size), self.config.max_pixels)
        writer = ShotWriter(source, sink, form, self.config.partial)
        places = _places(files)
        done, total = 0, sum(map(len, tables.values()))
        for name, table in tables.items():
            for line in table.iter_rows(named=True):
                try:
                    for shot in self._shots(line, TABLES[PurePosixPath(name).name], places):
                        writer.take(shot)
                except DataError as error:
                    sink.refuse(line["Path"], error.message)
                done += 1
                sink.progress(done, total)
        seen = {subject for subject, _ in writer.taken}
        write_told(sink, [entry for table in tables.values() for entry in _sexes(table) if entry.subject in seen])
        writer.finish()

    def _shots(self, line: Mapping[str, str], part: Part, places: Mapping[str, str]) -> Iterator[Shot]:
        """The line's picture, if its view is asked for. Raises DataError for a path or finding of another form."""
        found = VIEW.search(line["Path"])
        if found is None:
            raise DataError("its path is not …/patient#/study#/view#_frontal.jpg")
        if self.config.views not in (found["side"], "all"):
            return
        labels = {name: self._finding(line, name) for name in line if name and name not in NOT_FINDINGS}
        yield Shot(
            name=line["Path"],
            file=places.get(found[0], ""),
            subject=_patient(found),
            time=ANCHOR + timedelta(days=int(found["study"]), minutes=int(found["view"])),
            labels={name: value for name, value in labels.items() if value is not None},
            told=_told(line, found["side"]),
            part=part,
        )

    def _finding(self, line: Mapping[str, str], name: str) -> float | None:
        given = line[name]
        if given == "":
            return None if self.config.unmentioned == "missing" else 0.0
        try:
            value = float(given)
        except ValueError:
            value = 2.0
        if value == -1:
            return self._uncertain(line["Path"], name)
        if value not in (0, 1):
            raise DataError(f"its finding {name!r} is none of 1, 0, -1 and empty")
        return value

    def _uncertain(self, path: str, name: str) -> float | None:
        match self.config.uncertain:
            case "positive":
                return 1.0
            case "negative":
                return 0.0
            case "smoothed":
                return float(seed.generator(0, "smoothed", path, name).uniform(*SMOOTHED))
            case _:
                return None


def _table(source: Source, files: frozenset[str], name: str) -> pl.DataFrame:
    table = _picture_list.cells(source, files, name)
    if "Path" not in table.columns or table.width < len(NOT_FINDINGS):
        raise DataError(f"the table {name} has no column 'Path', or no findings")
    return table


def _places(files: frozenset[str]) -> dict[str, str]:
    """Pictures by the end of their path, from the folder of the part on: the name of the set's own folder does not matter."""
    found = ((VIEW.search(name), name) for name in sorted(files))
    return {match[0]: name for match, name in found if match}


def _patient(found: re.Match[str]) -> str:
    """The part's folder is no part of the name: the numbers of patients go on from one to the other."""
    return f"patient{found['patient']}"


def _told(line: Mapping[str, str], side: str) -> dict[str, str | float]:
    told: dict[str, str | float] = {"VIEW": " ".join(filter(None, (side, line.get("AP/PA", ""))))}
    if line.get("Age", "").isdecimal() and int(line["Age"]) > 0:
        told["AGE"] = float(line["Age"])
    return told


def _sexes(table: pl.DataFrame) -> list[Entry]:
    """Of each patient once; the set's Unknown is not known."""
    if "Sex" not in table.columns:
        return []
    found: dict[str, str] = {}
    for path, sex in table.select("Path", "Sex").iter_rows():
        match = VIEW.search(path)
        if match and sex not in ("", "Unknown"):
            found.setdefault(_patient(match), sex)
    return [Entry("", patient, told={"sex": sex}) for patient, sex in found.items()]


def build(config: Config) -> CheXpertReader:
    """Raises ConfigError for a size without pixels."""
    _picture.both(config.size)
    return CheXpertReader(config)
