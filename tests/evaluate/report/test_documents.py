"""Texts with their entities in a report."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from runs import cohort, facts, folder

from sequela.evaluate import tallies
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import spans
from sequela.evaluate.report.page import render
from sequela.types import Answer, Spanned, Spans, Tags, Target

NAMES = ("Disease", "Drug")
TEXT = "No <cancer> of the left lung; aspirin & statins were given, asthma was not found. Diabetes insipidus."
TRUE = [("<cancer>", 0), ("aspirin", 1), ("asthma", 0), ("Diabetes insipidus", 0)]
SAID = [("<cancer>", 0), ("aspirin & statins", 1), ("left", 0), ("Diabetes insipidus", 1)]


def marked(those: list[list[tuple[str, int]]]) -> Spans:
    """These words of the text, row by row, in the order in which they stand in it."""
    rows = [sorted((TEXT.index(words), TEXT.index(words) + len(words), kind) for words, kind in row) for row in those]
    flat = np.array([one for row in rows for one in row], np.int64).reshape(-1, 3)
    return Spans(np.cumsum([0, *map(len, rows)]), *flat.T)


def judged(said: list[list[tuple[str, int]]], true: list[tuple[str, int]] = TRUE) -> Judged:
    truth = marked([true] * len(said))
    tags = Tags(np.zeros(len(said) + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))
    target = Target(np.full((len(said), 1), 4.0), np.full((len(said), 1), True), NAMES, Spanned(truth, tags))
    scored = replace(marked(said), score=np.full(sum(map(len, said)), 0.75))
    answers = {
        name: tallies.tallied("entities", Answer("spans", np.zeros((len(said), 2)), NAMES, spanned=one), target, 0.0)
        for name, one in (("model", scored), ("baseline:dictionary", marked([TRUE[:1]] * len(said))))
    }
    return Judged(cohort(target), answers, {}, "1")


def drawn(said: list[tuple[str, int]]) -> str:
    return spans.drawn(TEXT, judged([said]).answers["model"].tally, 0, NAMES).markup


def test_each_mark_tells_what_became_of_it_and_the_text_stays_as_it_is() -> None:
    found = drawn(SAID)
    plain = html.unescape(re.sub(r"<sup>.*?</sup>|<[^>]+>", "", found))
    assert plain == TEXT
    assert '<mark class="right" title="said Disease (0.75): right">&lt;cancer&gt;<sup>Disease</sup></mark>' in found
    assert (
        '<mark class="said boundary" title="said Drug (0.75): wrong boundary"><mark class="true" title="true Drug">aspirin'
        in found
    )
    assert '<mark class="said spurious" title="said Disease (0.75): spurious">left' in found
    assert '<mark class="missed" title="true Disease">asthma' in found
    assert (
        '<mark class="said type" title="said Drug (0.75): wrong type"><mark class="true" title="true Disease">Diabetes' in found
    )


def test_a_single_type_is_not_repeated_behind_every_mark() -> None:
    tally = judged([SAID[:1]], TRUE[:1]).answers["model"].tally
    assert "<sup>" not in spans.drawn(TEXT, tally, 0, ("Disease",)).markup


@pytest.fixture
def run(tmp_path: Path) -> Path:
    one = judged([SAID, TRUE, TRUE[:2], SAID[:1]] * 3)
    (tmp_path / "run/pictures").mkdir(parents=True)
    (tmp_path / "run/pictures/01-worst.html").write_text(drawn(SAID), encoding="utf-8")
    shown = [PictureFacts(file="pictures/01-worst.html", why="worst", row_id="<7>", told="Entity F1 0.250", marks=True)]
    return folder(tmp_path / "run", "entities", [one], facts(pictures=shown))


def test_a_report_shows_the_numbers_the_errors_by_kind_and_the_documents(run: Path) -> None:
    page = render(run)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "The model beats dictionary, the strongest plain baseline: Entity F1 0.593 against 0.400" in text
    assert "Right Wrong boundary Wrong type Both wrong Spurious Missed" in text
    assert "Model 24 [" in text and "PPV, sensitivity" in text
    assert '<mark class="missed" title="true Disease">asthma' in page and "&lt;7&gt;: Entity F1 0.250" in text
    assert "This page holds text of patients." in text and "<img" not in page


def test_without_the_folder_of_texts_the_report_holds_none(run: Path) -> None:
    (run / "pictures/01-worst.html").unlink()
    page = render(run)
    assert "asthma" not in page and "Documents" not in page
