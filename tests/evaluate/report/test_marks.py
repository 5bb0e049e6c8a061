"""The tables of boxes and masks in a report."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from sequela import config
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.metric import Metric
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections import marks, pictures

STUDY = {
    "name": "lesions",
    "question": "Where are lesions?",
    "data": {"source": "scans"},
    "cohort": {"index": "SAMPLE"},
    "inputs": {"scan": {"modality": "image", "encoder": "unet"}},
    "task": "segment",
    "evaluate": {"tolerance": 2.5},
}


class Said:
    """As much of a Run as the tables ask for."""

    def __init__(self, kind: str, metrics: list[Metric]) -> None:
        self.study = config.convert(STUDY, config.Study)
        self.kind, self.models = kind, ["model", "baseline:blobs"]
        self.classes = sorted({one.class_ for one in metrics if one.class_})
        self._found = {(one.model, one.metric, one.class_): one for one in metrics}

    def number(self, model: str, metric: str, *, class_: str = "") -> Metric | None:
        return self._found.get((model, metric, class_))


def told(kind: str, metrics: list[Metric]) -> str:
    found: Any = marks.marks(cast(Run, Said(kind, metrics)))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.markup))


ONE = Metric(model="model", part="test", split="", metric="ap50", class_="RBC", group="", value=0.8125, n=9, low=0.7, high=0.9)


def test_each_class_has_a_table_of_what_was_found_by_everybody() -> None:
    rows = [ONE, replace(ONE, model="baseline:blobs", value=0.5), replace(ONE, metric="count_bias", value=-1.25, low=None)]
    said = told("detect", rows)
    assert "AP50 Count, bias Model" in said
    assert "0.812 [0.700, 0.900] −1.25" in said
    assert "blobs (baseline) 0.500" in said


def test_a_surface_dice_is_told_with_its_tolerance() -> None:
    assert "within 2.5 mm of the other" in told("segment", [replace(ONE, metric="nsd")])
    assert "2.5 mm" not in told("detect", [ONE])


def test_a_task_of_rows_has_no_such_section() -> None:
    assert told("binary", [ONE]).strip() == ""


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"mask": "MASK", "classes": ["cyst", "tumour"]}, "cyst is light blue, tumour is orange."),
        ({"mask": "MASK", "classes": ["nucleus"], "instances": True}, "Colours tell things apart."),
        ({"boxes": "BOX"}, "RBC is light blue."),
    ],
)
def test_the_colours_of_the_cases_are_named(tmp_path: Path, outcome: dict[str, Any], said: str) -> None:
    shown = [PictureFacts(file="pictures/01.jpg", why="worst", row_id="a", told="Dice 0.5", marks=True)]
    study = config.convert(STUDY | {"outcome": outcome}, config.Study)
    run = SimpleNamespace(facts=SimpleNamespace(pictures=shown), study=study, classes=["RBC"], folder=tmp_path)
    assert said in pictures.pictures(cast(Run, run)).markup
