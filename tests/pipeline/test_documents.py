"""The documents that a run of entities leaves for its report."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate import tallies
from sequela.evaluate.evaluation import Judged
from sequela.pipeline import documents
from sequela.types import Answer, Cohort, Piece, Places, Ragged, Spanned, Spans, Tags, Target

TEXTS = ("no <fever>", "much fever today", "")


def spans(begin: list[int], end: list[int], rows: list[int]) -> Spans:
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(TEXTS)))])
    return Spans(offsets, np.array(begin), np.array(end), np.zeros(len(begin), np.int64))


@pytest.fixture
def judged() -> Judged:
    nothing = Tags(np.zeros(4, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))
    truth = Spanned(spans([3, 5], [10, 10], [0, 1]), nothing)
    target = Target(np.array([[1.0], [1.0], [0.0]]), np.full((3, 1), True), ("Finding",), truth)
    said = Answer("spans", np.zeros((3, 1)), ("Finding",), spanned=spans([4, 5], [10, 10], [0, 1]))
    never, names = np.full(3, np.datetime64("NaT"), "datetime64[us]"), np.array(["a", "b", "c"])
    rows = Cohort(np.arange(3), names, names, never, never, np.full(3, "test"), target)
    return Judged(rows, {"model": tallies.tallied("entities", said, target, 0.0)}, {}, "")


def evidence(judged: Judged) -> Evidence:
    count, none = np.zeros(len(TEXTS) + 1, np.int64), np.zeros(0, np.int32)
    places = Places(count, none, none, TEXTS, tuple((Piece(0, "", "NOTE"),) for _ in TEXTS))
    ragged = Ragged(count, np.zeros(0, np.int64), np.zeros(0), places=places)
    given: Any = {"inputs": {"note": ragged}}
    return cast(Evidence, SimpleNamespace(**given))


def predictor(kind: str) -> Predictor:
    return cast(Predictor, SimpleNamespace(final="model", task=SimpleNamespace(kind=kind)))


def test_the_cases_are_written_as_marked_text_with_what_became_of_them(tmp_path: Path, judged: Judged) -> None:
    found = documents.write(tmp_path, predictor("entities"), judged, evidence(judged))
    assert [(one.file, one.row_id) for one in found] == [("pictures/01-worst.html", "a"), ("pictures/02-worst.html", "b")]
    assert found[0].told == "Entity F1 0.000: 0 right, 1 wrong boundary"
    held = (tmp_path / found[0].file).read_text()
    assert held.startswith(
        '<div class="document" dir="auto">no <mark class="true" title="true Finding">&lt;<mark class="said boundary"'
    )


def test_another_kind_of_task_leaves_none(tmp_path: Path, judged: Judged) -> None:
    assert documents.write(tmp_path, predictor("multiclass"), judged, evidence(judged)) == []
    assert not list(tmp_path.iterdir())
